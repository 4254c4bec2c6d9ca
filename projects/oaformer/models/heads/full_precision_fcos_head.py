"""MMDetection's FCOS head as a source of proposals."""

from mmdet.models.dense_heads import FCOSHead
from mmdet.models.utils import multi_apply
from mmdet.registry import MODELS
from mmdet.utils import InstanceList
from torch import Tensor


@MODELS.register_module()
class FullPrecisionFCOSHead(FCOSHead):
    """``FCOSHead``, whose boxes and losses are right in every mode, in float32.

    With ``norm_on_bbox`` the stock class predicts distances in strides in training, in
    pixels in evaluation. So the boxes that ``loss_and_predict`` decodes in training are
    too small by that factor, and the loss in evaluation mode is that of other boxes.
    Here distances are in strides until boxes are decoded. Float32, as
    :class:`FullPrecisionRPNHead`.
    """

    def forward(
        self, x: tuple[Tensor, ...]
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """See ``FCOSHead``; with ``norm_on_bbox`` distances are in strides."""
        # 1 is what the stock class multiplies by in evaluation mode
        return multi_apply(self.forward_single, x, self.scales, [1] * len(self.strides))

    def predict_by_feat(
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        score_factors: list[Tensor],
        *args,
        **kwargs,
    ) -> InstanceList:
        """See ``FCOSHead``; the arguments are results of :meth:`forward`."""
        if self.norm_on_bbox:
            bbox_preds = [
                distances * stride
                for distances, stride in zip(bbox_preds, self.strides, strict=True)
            ]
        return super().predict_by_feat(
            [score.float() for score in cls_scores],
            bbox_preds,
            [factor.float() for factor in score_factors],
            *args,
            **kwargs,
        )

    def loss_by_feat(
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        centernesses: list[Tensor],
        *args,
        **kwargs,
    ) -> dict[str, Tensor]:
        """See ``FCOSHead``; the arguments are results of :meth:`forward`."""
        return super().loss_by_feat(
            [score.float() for score in cls_scores],
            bbox_preds,
            [centerness.float() for centerness in centernesses],
            *args,
            **kwargs,
        )
