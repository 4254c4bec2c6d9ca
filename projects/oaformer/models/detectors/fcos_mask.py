"""Masks on the boxes of FCOS."""

from mmdet.models.detectors import SingleStageDetector
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType
from torch import Tensor


@MODELS.register_module()
class FCOSMask(SingleStageDetector):
    """FCOS with a mask head on its boxes, as in BCNet's released code.

    The boxes that FCOS predicts, decoded in training as in testing, are the proposals
    from which masks are learned, and the detections.

    Args:
        bbox_head: Config of :class:`FullPrecisionFCOSHead`.
        roi_head: Config of :class:`AmodalRoIHead` without a box head.
        train_cfg: The RoI head's: ``assigner``, ``sampler`` and ``mask_size``.
        test_cfg: FCOS's, also for the proposals, and ``mask_thr_binary``.
        **kwargs: Other arguments of ``SingleStageDetector``.
    """

    def __init__(
        self,
        *,
        bbox_head: ConfigType,
        roi_head: ConfigType,
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        **kwargs,
    ) -> None:
        super().__init__(
            bbox_head=bbox_head, train_cfg=train_cfg, test_cfg=test_cfg, **kwargs
        )
        settings = dict(train_cfg=train_cfg, test_cfg=test_cfg)
        self.roi_head = MODELS.build({**roi_head, **settings})

    def loss(
        self, batch_inputs: Tensor, batch_data_samples: SampleList
    ) -> dict[str, Tensor]:
        """Losses of boxes and masks.

        Args:
            batch_inputs: Normalised images, (B, 3, H, W).
            batch_data_samples: Their samples.

        Returns:
            FCOS's ``loss_cls``, ``loss_bbox`` and ``loss_centerness``, and those of
            :meth:`BaseAmodalMaskHead.loss_and_target`.
        """
        x = self.extract_feat(batch_inputs)
        losses, proposals = self.bbox_head.loss_and_predict(x, batch_data_samples)
        return losses | self.roi_head.loss(x, proposals, batch_data_samples)

    def predict(
        self,
        batch_inputs: Tensor,
        batch_data_samples: SampleList,
        rescale: bool = True,
    ) -> SampleList:
        """Predict the amodal instances of a batch.

        Args:
            batch_inputs: Normalised images, (B, 3, H, W).
            batch_data_samples: Their samples.
            rescale: Whether results go to the original images' sizes.

        Returns:
            The samples with ``pred_instances``; see :func:`as_amodal_instances`.
        """
        x = self.extract_feat(batch_inputs)
        # the mask head rescales boxes with masks
        boxes = self.bbox_head.predict(x, batch_data_samples, rescale=False)
        results = self.roi_head.predict(x, boxes, batch_data_samples, rescale)
        return self.add_pred_to_datasample(batch_data_samples, results)
