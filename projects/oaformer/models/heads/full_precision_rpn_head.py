"""MMDetection's RPN for mixed precision."""

from mmdet.models.dense_heads import RPNHead
from mmdet.registry import MODELS
from mmdet.utils import InstanceList
from torch import Tensor


@MODELS.register_module()
class FullPrecisionRPNHead(RPNHead):
    """``RPNHead``, whose proposals are computed in float32.

    The stock class makes anchors of the scores' type: bfloat16 has 8 bits, so above 256
    pixels they move, and MMCV's NMS takes float32 only.
    """

    def predict_by_feat(
        self, cls_scores: list[Tensor], bbox_preds: list[Tensor], *args, **kwargs
    ) -> InstanceList:
        """See ``RPNHead``."""
        return super().predict_by_feat(
            [score.float() for score in cls_scores],
            [deltas.float() for deltas in bbox_preds],
            *args,
            **kwargs,
        )

    def loss_by_feat(
        self, cls_scores: list[Tensor], bbox_preds: list[Tensor], *args, **kwargs
    ) -> dict[str, Tensor]:
        """See ``RPNHead``."""
        return super().loss_by_feat(
            [score.float() for score in cls_scores],
            [deltas.float() for deltas in bbox_preds],
            *args,
            **kwargs,
        )
