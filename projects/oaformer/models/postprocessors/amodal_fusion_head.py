"""The step from the head's output to instances, where MMDetection has its own."""

from collections.abc import Mapping

import torch
from mmdet.models.seg_heads.panoptic_fusion_heads.base_panoptic_fusion_head import (
    BasePanopticFusionHead,
)
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from ...structures import as_amodal_instances, rle_bbox
from ..heads import OAFormerOutput
from .instances import top_instances
from .region_encoder import RegionEncoder
from .upsampling import ImageSizes, MaskUpsampler, positive_boxes, region_quality


@MODELS.register_module()
class AmodalFusionHead(BasePanopticFusionHead):
    """Amodal instances of each image.

    Chooses the instances first, builds each query's mask once, a few at a time at
    the size of the mask features, and one by one at full size where they are not
    empty. So the memory depends neither on the number of queries nor on how often a
    query was chosen. Visible masks, where the model predicts them, are built beside
    the amodal ones and cut to them.

    Settings in ``test_cfg``: ``max_per_image`` (100) and ``mask_chunk_size`` (10,
    masks at the size of the mask features held at a time).

    Args:
        num_things_classes: Number of classes.
        num_stuff_classes: Always 0; there is no amodal stuff.
        test_cfg: Settings as above.
    """

    def __init__(
        self,
        num_things_classes: int,
        num_stuff_classes: int = 0,
        test_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(num_things_classes, num_stuff_classes, test_cfg, **kwargs)
        test_cfg = test_cfg or {}
        self.max_per_image = test_cfg.get('max_per_image', 100)
        self.mask_chunk_size = test_cfg.get('mask_chunk_size', 10)

    def loss(self, **kwargs) -> dict:
        """There is nothing to train here."""
        return {}

    def predict(
        self,
        output: OAFormerOutput,
        batch_data_samples: SampleList,
        rescale: bool = True,
    ) -> list[dict[str, InstanceData]]:
        """Instances of each image, best first.

        Args:
            output: The head's last stage, in float32.
            batch_data_samples: Samples with the images' sizes.
            rescale: Whether masks and boxes go to the original image's size.

        Returns:
            For each image ``dict(ins_results=instances)`` in the form of
            :func:`as_amodal_instances`. Score and box are the amodal mask's.
        """
        rates = visible_mask_embeds = [None] * len(batch_data_samples)
        if output.occlusion_logits:
            rates = output.occlusion_logits[-1].sigmoid()
        if output.visible_mask_embeds:
            visible_mask_embeds = output.visible_mask_embeds[-1]
        return [
            dict(
                ins_results=self._image_instances(
                    output.cls_scores[-1][index],
                    output.mask_embeds[-1][index],
                    output.mask_features[index],
                    rates[index],
                    visible_mask_embeds[index],
                    _sizes(sample, rescale),
                )
            )
            for index, sample in enumerate(batch_data_samples)
        ]

    def instances_from(
        self,
        tensors: Mapping[str, Tensor],
        batch_data_samples: SampleList,
        rescale: bool = True,
    ) -> list[InstanceData]:
        """Instances of each image from the detector's plain tensors.

        Args:
            tensors: What :meth:`OAFormer.forward_tensors` or an exported model gives.
            batch_data_samples: As in :meth:`predict`.
            rescale: As in :meth:`predict`.

        Returns:
            For each image the form of :func:`as_amodal_instances`.
        """
        output = output_from_tensors(tensors)
        results = self.predict(output, batch_data_samples, rescale)
        return [result['ins_results'] for result in results]

    def _image_instances(
        self,
        cls_score: Tensor,
        mask_embed: Tensor,
        mask_features: Tensor,
        occlusion_rates: Tensor | None,
        visible_mask_embed: Tensor | None,
        sizes: ImageSizes,
    ) -> InstanceData:
        top = top_instances(cls_score, self.max_per_image)
        queries, of_query = top.queries.unique(return_inverse=True)
        device = mask_features.device
        upsampler = MaskUpsampler(mask_features.shape[1:], sizes, device)
        encoder = RegionEncoder(sizes.result, device)
        visible_encoder = RegionEncoder(sizes.result, device)
        qualities = []
        for chunk in queries.split(self.mask_chunk_size):
            masks = _masks(mask_embed[chunk], mask_features)
            visible_masks = [None] * len(chunk)
            if visible_mask_embed is not None:
                visible_masks = _masks(visible_mask_embed[chunk], mask_features)
            boxes = positive_boxes(masks)
            for mask, visible, box in zip(masks, visible_masks, boxes, strict=True):
                region = upsampler.region(mask, box)
                qualities.append(region_quality(region.logits))
                inside = region.logits > 0
                encoder.add(inside, region.top, region.left)
                if visible is not None:
                    # nothing is visible outside the amodal mask, hence its region
                    inside = inside & (upsampler.region(visible, box).logits > 0)
                    visible_encoder.add(inside, region.top, region.left)
        scores = top.scores * torch.stack(qualities)[of_query]
        scores, order = scores.sort(descending=True)
        of_query = of_query[order]
        indices = of_query.tolist()
        rles = encoder.finish()
        boxes = scores.new_tensor([rle_bbox(rle) for rle in rles])[of_query]
        boxes[:, 2:] += boxes[:, :2]
        instances = dict(
            bboxes=boxes,
            labels=top.labels[order],
            scores=scores,
            masks=[rles[index] for index in indices],
        )
        if occlusion_rates is not None:
            instances['occlusion_rates'] = occlusion_rates[queries][of_query]
        if visible_mask_embed is not None:
            visible_rles = visible_encoder.finish()
            instances['visible_masks'] = [visible_rles[index] for index in indices]
        return as_amodal_instances(instances)


def named_tensors(output: OAFormerOutput) -> dict[str, Tensor]:
    """The final prediction as tensors, under the names of :class:`OAFormerOutput`.

    Args:
        output: What a head predicts.

    Returns:
        A tensor for each field that is not empty: the last of a list.
    """
    return {
        name: value if isinstance(value, Tensor) else value[-1]
        for name, value in output._asdict().items()
        if len(value)
    }


def output_from_tensors(tensors: Mapping[str, Tensor]) -> OAFormerOutput:
    """The reverse of :func:`named_tensors`."""
    lists = {
        name: [tensors[name]] if name in tensors else []
        for name in OAFormerOutput._fields
    }
    lists['mask_features'] = tensors['mask_features']
    return OAFormerOutput(**lists)


def _masks(mask_embed: Tensor, mask_features: Tensor) -> Tensor:
    # (n, C) x (C, H/4, W/4) -> (n, H/4, W/4)
    return torch.einsum('nc,chw->nhw', mask_embed, mask_features)


def _sizes(sample: DetDataSample, rescale: bool) -> ImageSizes:
    meta = sample.metainfo
    return ImageSizes(
        batch_input=tuple(meta['batch_input_shape'][:2]),
        image=tuple(meta['img_shape'][:2]),
        output=tuple(meta['ori_shape'][:2]) if rescale else None,
    )
