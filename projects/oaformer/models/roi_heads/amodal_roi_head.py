"""MMDetection's RoI head with a mask head of several masks."""

from collections.abc import Sequence

from mmdet.models.roi_heads import StandardRoIHead
from mmdet.models.utils import unpack_gt_instances
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import InstanceList
from mmengine.structures import InstanceData
from torch import Tensor


@MODELS.register_module()
class AmodalRoIHead(StandardRoIHead):
    """``StandardRoIHead`` for mixed precision, images without detections, masks alone.

    MMCV's RoIAlign takes no bfloat16, so features are pooled in float32. Where a batch
    has no detection, the stock class does not ask the mask head and fills in amodal
    masks alone; here the prediction has all of its fields. Without a box head, which
    the stock class needs, the proposals are the boxes of the detections.
    """

    def loss(
        self,
        x: Sequence[Tensor],
        rpn_results_list: InstanceList,
        batch_data_samples: SampleList,
    ) -> dict[str, Tensor]:
        """See ``StandardRoIHead``."""
        x = [level.float() for level in x]
        if self.with_bbox:
            return super().loss(x, rpn_results_list, batch_data_samples)
        truth, ignored, _ = unpack_gt_instances(batch_data_samples)
        sampling_results = []
        for proposals, objects, ignore in zip(
            rpn_results_list, truth, ignored, strict=True
        ):
            priors = InstanceData(priors=proposals.bboxes)
            assigned = self.bbox_assigner.assign(priors, objects, ignore)
            sampling_results.append(self.bbox_sampler.sample(assigned, priors, objects))
        return self.mask_loss(x, sampling_results, None, truth)['loss_mask']

    def predict(
        self,
        x: Sequence[Tensor],
        rpn_results_list: InstanceList,
        batch_data_samples: SampleList,
        rescale: bool = False,
    ) -> InstanceList:
        """See ``StandardRoIHead``."""
        x = [level.float() for level in x]
        if self.with_bbox:
            return super().predict(x, rpn_results_list, batch_data_samples, rescale)
        metas = [sample.metainfo for sample in batch_data_samples]
        return self.predict_mask(x, metas, rpn_results_list, rescale)

    def predict_mask(
        self,
        x: Sequence[Tensor],
        batch_img_metas: Sequence[dict],
        results_list: InstanceList,
        rescale: bool = False,
    ) -> InstanceList:
        """See ``StandardRoIHead``; each image has :func:`as_amodal_instances`' form."""
        if any(map(len, results_list)):
            return super().predict_mask(x, batch_img_metas, results_list, rescale)
        nothing = [self.mask_head.no_predictions(x[0])] * len(results_list)
        return self.mask_head.predict_by_feat(
            nothing, results_list, batch_img_metas, self.test_cfg, rescale
        )

    def mask_features(self, x: Sequence[Tensor], rois: Tensor) -> Tensor:
        """Features of RoIs for the mask head, without what a subclass adds.

        Args:
            x: Features of all levels.
            rois: Index of the image, x1, y1, x2, y2 in pixels of the input, (N, 5).

        Returns:
            (N, channels, 14, 14), or as large as ``mask_roi_extractor`` makes them.
        """
        return self.mask_roi_extractor(x[: self.mask_roi_extractor.num_inputs], rois)
