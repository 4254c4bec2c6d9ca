"""The OAFormer detector."""

from collections.abc import Mapping

from mmdet.models.detectors import Mask2Former
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType, OptMultiConfig
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from ..postprocessors import named_tensors


@MODELS.register_module()
class OAFormer(Mask2Former):
    """Amodal instance segmentation with occlusion rates.

    OAFormer: Learning Occlusion Distinguishable Feature for Amodal Instance
    Segmentation (Li et al., ICASSP 2023), on MMDetection's Mask2Former.

    Args:
        backbone: Config of the backbone, the paper's encoder.
        neck: Config of a neck; Mask2Former has none.
        panoptic_head: Config of :class:`OAFormerHead`. The name is
            MMDetection's.
        panoptic_fusion_head: Config of the step to instances; None takes that of
            :meth:`postprocessor_config`.
        train_cfg: Matching and point sampling.
        test_cfg: See :class:`AmodalFusionHead`.
        data_preprocessor: Config of the data preprocessor.
        init_cfg: Config of the initialisation.
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
    ) -> None:
        panoptic_head = ConfigDict(panoptic_head)
        if panoptic_fusion_head is None:
            model = ConfigDict(panoptic_head=panoptic_head)
            panoptic_fusion_head = self.postprocessor_config(model)
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

    @staticmethod
    def postprocessor_config(model: ConfigDict) -> ConfigDict:
        """Config of the step to instances alone, for runtimes without the network.

        Args:
            model: Config of the detector.

        Returns:
            Its ``panoptic_fusion_head`` or, where it has none,
            :class:`AmodalFusionHead` with the head's number of classes, so that this
            number is written once.
        """
        return model.get('panoptic_fusion_head') or ConfigDict(
            type='AmodalFusionHead',
            num_things_classes=model.panoptic_head.num_things_classes,
        )

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
        tensors = self.forward_tensors(batch_inputs)
        results = self.instances_from(tensors, batch_data_samples, rescale)
        for sample, instances in zip(batch_data_samples, results, strict=True):
            sample.pred_instances = instances
        return batch_data_samples

    def forward_tensors(self, batch_inputs: Tensor) -> dict[str, Tensor]:
        """The network's part of a prediction, without building masks.

        Args:
            batch_inputs: Normalised images, (B, 3, H, W).

        Returns:
            Tensors by name, all that :meth:`instances_from` needs.
        """
        features = self.extract_feat(batch_inputs)
        return named_tensors(self.panoptic_head.predict(features, None))

    def instances_from(
        self,
        tensors: Mapping[str, Tensor],
        batch_data_samples: SampleList,
        rescale: bool = True,
    ) -> list[InstanceData]:
        """The rest of a prediction, from tensors to instances.

        Args:
            tensors: Result of :meth:`forward_tensors`, from here or a runtime.
            batch_data_samples: Samples with the images' sizes.
            rescale: Whether results go to the original images' sizes.

        Returns:
            For each image the form of :func:`as_amodal_instances`.
        """
        return self.panoptic_fusion_head.instances_from(
            tensors, batch_data_samples, rescale
        )
