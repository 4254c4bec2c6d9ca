"""The step from the head's output to instances, where MMDetection has its own."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from mmdet.models.seg_heads.panoptic_fusion_heads.base_panoptic_fusion_head import (
    BasePanopticFusionHead,
)
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from ...structures import RLE, as_amodal_instances
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

    Args:
        num_things_classes: Number of classes.
        num_stuff_classes: Always 0; there is no amodal stuff.
        test_cfg: ``max_per_image`` (100) and ``mask_chunk_size`` (10), the number of
            masks at the size of the mask features held at a time.
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
        tensors: Mapping[str, Tensor],
        batch_data_samples: SampleList,
        rescale: bool = True,
    ) -> list[InstanceData]:
        """Instances of each image, best first.

        Args:
            tensors: Those of :meth:`OAFormerOutput.final_tensors`.
            batch_data_samples: Samples with the images' sizes.
            rescale: Whether masks and boxes go to the original image's size.

        Returns:
            For each image the form of :func:`as_amodal_instances`. Score and box are
            the amodal mask's.
        """
        return [
            self._image_instances(
                {name: tensor[index] for name, tensor in tensors.items()},
                _sizes(sample, rescale),
            )
            for index, sample in enumerate(batch_data_samples)
        ]

    def complete(
        self,
        tensors: Mapping[str, Tensor],
        batch_data_samples: SampleList,
        counts: Sequence[int],
        rescale: bool = True,
    ) -> list[InstanceData]:
        """One instance for each of the first queries of an image, in their order.

        Args:
            tensors: Those of :meth:`OAFormerHead.complete`.
            batch_data_samples: Samples with the images' sizes.
            counts: Queries of each image; the others are padding.
            rescale: Whether masks and boxes go to the original image's size.

        Returns:
            As :meth:`predict`; the class of an instance is its most probable one.
        """
        results = []
        for index, (sample, count) in enumerate(
            zip(batch_data_samples, counts, strict=True)
        ):
            own = {name: tensor[index] for name, tensor in tensors.items()}
            queries = torch.arange(count, device=own['cls_scores'].device)
            probabilities = own['cls_scores'][queries].softmax(-1)[:, :-1]
            scores, labels = probabilities.max(dim=1)
            qualities, fields = self._instances(own, queries, _sizes(sample, rescale))
            fields.update(labels=labels, scores=scores * qualities)
            results.append(as_amodal_instances(fields))
        return results

    def _image_instances(
        self, tensors: Mapping[str, Tensor], sizes: ImageSizes
    ) -> InstanceData:
        top = top_instances(tensors['cls_scores'], self.max_per_image)
        queries, of_query = top.queries.unique(return_inverse=True)
        qualities, fields = self._instances(tensors, queries, sizes)
        scores = top.scores * qualities[of_query]
        scores, order = scores.sort(descending=True)
        of_query = of_query[order]
        indices = of_query.tolist()
        for name, values in fields.items():
            if isinstance(values, Tensor):
                fields[name] = values[of_query]
            else:
                fields[name] = [values[index] for index in indices]
        fields.update(labels=top.labels[order], scores=scores)
        return as_amodal_instances(fields)

    def _instances(
        self, tensors: Mapping[str, Tensor], queries: Tensor, sizes: ImageSizes
    ) -> tuple[Tensor, dict[str, Tensor | list[RLE]]]:
        """Quality of each query's mask, and its masks and rate."""
        mask_embed, mask_features = tensors['mask_embeds'], tensors['mask_features']
        visible_mask_embed = tensors.get('visible_mask_embeds')
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
        fields = dict(masks=encoder.finish())
        if 'occlusion_logits' in tensors:
            fields['occlusion_rates'] = tensors['occlusion_logits'][queries].sigmoid()
        if visible_mask_embed is not None:
            fields['visible_masks'] = visible_encoder.finish()
        if not qualities:
            return mask_features.new_zeros(0), fields
        return torch.stack(qualities), fields


class TopInstances(NamedTuple):
    """The best (query, class) pairs of an image.

    Attributes:
        scores: Class probability, (n,), best first.
        labels: Class, (n,).
        queries: Query, (n,). One query may be chosen for several classes.
    """

    scores: Tensor
    labels: Tensor
    queries: Tensor


def top_instances(cls_score: Tensor, max_per_image: int) -> TopInstances:
    """Choose the best (query, class) pairs, as Mask2Former does.

    Args:
        cls_score: Class logits, background last, (Q, K + 1).
        max_per_image: How many to keep at most. Where Q * K is less, all are kept.
    """
    # (Q, K + 1) -> (Q * K,), background left out
    probabilities = cls_score.softmax(-1)[:, :-1]
    num_classes = probabilities.shape[1]
    flat = probabilities.flatten()
    scores, indices = flat.topk(min(max_per_image, flat.numel()))
    return TopInstances(scores, indices % num_classes, indices // num_classes)


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
