"""The OAFormer detector."""

from mmdet.models.detectors import Mask2Former
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from torch import Tensor

from ...structures import as_amodal_instances
from ..task_modules import annotated_prompts, sample_prompts, with_known


@MODELS.register_module()
class OAFormer(Mask2Former):
    """Amodal instance segmentation with occlusion rates.

    OAFormer: Learning Occlusion Distinguishable Feature for Amodal Instance
    Segmentation (Li et al., ICASSP 2023), on MMDetection's Mask2Former.

    Args:
        panoptic_head: Config of :class:`OAFormerHead`. The name is
            MMDetection's.
        panoptic_fusion_head: Config of the step to instances; None takes that of
            :meth:`postprocessor_config`.
        **kwargs: Arguments of ``Mask2Former``; ``train_cfg`` has matching and point
            sampling, ``test_cfg`` the settings of :class:`AmodalFusionHead`.
    """

    def __init__(
        self,
        *,
        panoptic_head: ConfigType,
        panoptic_fusion_head: OptConfigType = None,
        **kwargs,
    ) -> None:
        model = ConfigDict(
            panoptic_head=panoptic_head, panoptic_fusion_head=panoptic_fusion_head
        )
        super().__init__(
            panoptic_head=model.panoptic_head,
            panoptic_fusion_head=self.postprocessor_config(model),
            **kwargs,
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
            The samples with ``pred_instances``; see :func:`as_amodal_instances`. Where
            samples have ``prompts`` (:func:`sample_prompts`), or ``test_cfg.complete``
            takes them from the annotations, these are the completed objects in the
            order of the prompts.

        Raises:
            ValueError: If prompts are given to a model that was trained without.
        """
        kind = (self.test_cfg or {}).get('complete')
        if kind is not None:
            for sample in batch_data_samples:
                sample.prompts = annotated_prompts(sample.gt_instances, kind)
        if 'prompts' in batch_data_samples[0]:
            results = self._complete(batch_inputs, batch_data_samples)
        else:
            tensors = self.forward_tensors(batch_inputs)
            results = self.panoptic_fusion_head.predict(
                tensors, batch_data_samples, rescale
            )
        for sample, instances in zip(batch_data_samples, results, strict=True):
            sample.pred_instances = instances
        return batch_data_samples

    def _complete(
        self, batch_inputs: Tensor, samples: SampleList
    ) -> list[InstanceData]:
        head = self.panoptic_head
        if head.prompt_encoder is None:
            raise ValueError(
                'this model completes no given objects: it was trained without '
                'panoptic_head.prompts'
            )
        prompts = sample_prompts(samples, head.num_classes, batch_inputs.device)
        tensors = head.complete(self.extract_feat(batch_inputs), prompts)
        results = self.panoptic_fusion_head.complete(tensors, samples, prompts.counts)
        return [
            as_amodal_instances(with_known(instances, sample.prompts))
            for sample, instances in zip(samples, results, strict=True)
        ]

    def forward_tensors(self, batch_inputs: Tensor) -> dict[str, Tensor]:
        """The network's part of a prediction, without building masks.

        Args:
            batch_inputs: Normalised images, (B, 3, H, W).

        Returns:
            Tensors by name, all that :meth:`AmodalFusionHead.predict` needs.
        """
        features = self.extract_feat(batch_inputs)
        return self.panoptic_head.predict(features)
