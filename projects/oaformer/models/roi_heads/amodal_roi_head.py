"""MMDetection's RoI head with a mask head of several masks."""

from collections.abc import Sequence

from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import InstanceList
from torch import Tensor


@MODELS.register_module()
class AmodalRoIHead(StandardRoIHead):
    """``StandardRoIHead`` for mixed precision and for images without detections.

    MMCV's RoIAlign takes no bfloat16, so features are pooled in float32. Where a batch
    has no detection, the stock class does not ask the mask head and fills in amodal
    masks alone; here the prediction has all of its fields.
    """

    def loss(
        self,
        x: Sequence[Tensor],
        rpn_results_list: InstanceList,
        batch_data_samples: SampleList,
    ) -> dict[str, Tensor]:
        """See ``StandardRoIHead``."""
        x = [level.float() for level in x]
        return super().loss(x, rpn_results_list, batch_data_samples)

    def predict(
        self,
        x: Sequence[Tensor],
        rpn_results_list: InstanceList,
        batch_data_samples: SampleList,
        rescale: bool = False,
    ) -> InstanceList:
        """See ``StandardRoIHead``."""
        x = [level.float() for level in x]
        return super().predict(x, rpn_results_list, batch_data_samples, rescale)

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
