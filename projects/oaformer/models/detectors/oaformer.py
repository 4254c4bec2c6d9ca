"""The OAFormer detector."""

from mmdet.models.detectors import Mask2Former
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from mmengine.config import ConfigDict
from torch import Tensor

from .compilation import compile_parts


@MODELS.register_module()
class OAFormer(Mask2Former):
    """Amodal instance segmentation that knows how much of an object is hidden.

    OAFormer: Learning Occlusion Distinguishable Feature for Amodal Instance
    Segmentation (Li et al., ICASSP 2023), on MMDetection's Mask2Former.

    Args:
        backbone: Config of the backbone, the paper's encoder.
        neck: Config of a neck; Mask2Former has none.
        panoptic_head: Config of :class:`OAFormerHead`. The name is
            MMDetection's.
        panoptic_fusion_head: Config of the step to instances. None takes
            :class:`AmodalFusionHead` with the head's number of classes, so that
            this number is written once.
        train_cfg: Matching and point sampling.
        test_cfg: See :class:`AmodalFusionHead`.
        data_preprocessor: Config of the data preprocessor.
        init_cfg: Config of the initialisation.
        compile_cfg: What ``torch.compile`` is to make faster: ``parts``, some of
            'backbone' and 'pixel_decoder', and arguments of ``torch.compile``, as in
            ``dict(parts=['backbone'], dynamic=True)``. None compiles nothing. On a
            CPU both together saved about a tenth of a forward pass, and nothing
            measurable of a training step. MMEngine's own setting ``compile`` is for
            whole training steps and not for testing.

            Each part is compiled when it first runs, apart for training and testing,
            which takes from half a minute to minutes. Images of other sizes: by
            default (``dynamic=None``) the first one or two are compiled for again,
            then the code is for any size; with ``dynamic=True`` it is from the first
            on. With ``dynamic=False`` each size is compiled for, and after eight
            PyTorch gives up and runs the part as it is.

    Raises:
        ValueError: If ``compile_cfg`` names no or unknown parts.
    """

    def __init__(
        self,
        backbone: ConfigType,
        neck: OptConfigType = None,
        panoptic_head: OptConfigType = None,
        panoptic_fusion_head: OptConfigType = None,
        train_cfg: OptConfigType = None,
        test_cfg: OptConfigType = None,
        data_preprocessor: OptConfigType = None,
        init_cfg: OptMultiConfig = None,
        compile_cfg: OptConfigType = None,
    ) -> None:
        panoptic_head = ConfigDict(panoptic_head)
        if panoptic_fusion_head is None:
            panoptic_fusion_head = dict(
                type='AmodalFusionHead',
                num_things_classes=panoptic_head.num_things_classes,
            )
        super().__init__(
            backbone=backbone,
            neck=neck,
            panoptic_head=panoptic_head,
            panoptic_fusion_head=ConfigDict(panoptic_fusion_head),
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=data_preprocessor,
            init_cfg=init_cfg,
        )
        if compile_cfg is not None:
            compile_parts(self, **compile_cfg)

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
            The samples with ``pred_instances``; see
            :meth:`AmodalFusionHead.predict`.
        """
        features = self.extract_feat(batch_inputs)
        output = self.panoptic_head.predict(features, batch_data_samples)
        results = self.panoptic_fusion_head.predict(
            output, batch_data_samples, rescale=rescale
        )
        return self.add_pred_to_datasample(batch_data_samples, results)
