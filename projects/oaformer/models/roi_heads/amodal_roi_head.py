"""MMDetection's RoI head with a mask head of several masks."""

from collections.abc import Sequence

from mmdet.models.roi_heads import StandardRoIHead
from mmdet.registry import MODELS
from mmdet.utils import InstanceList
from torch import Tensor


@MODELS.register_module()
class AmodalRoIHead(StandardRoIHead):
    """``StandardRoIHead``; images without detections have all fields of a prediction.

    The stock class does not ask the mask head where a batch has no detection, and fills
    in amodal masks alone.
    """

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
