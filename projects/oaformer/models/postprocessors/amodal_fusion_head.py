"""The step from the head's output to instances, where MMDetection has its own."""

import torch
from mmdet.models.seg_heads.panoptic_fusion_heads.base_panoptic_fusion_head import (
    BasePanopticFusionHead,
)
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from ...structures import RLE, decode_masks, encode_region, rle_bbox
from ..heads import OAFormerOutput
from .instances import top_instances
from .upsampling import (
    ImageSizes,
    MaskRegion,
    MaskUpsampler,
    positive_boxes,
    region_quality,
)


@MODELS.register_module()
class AmodalFusionHead(BasePanopticFusionHead):
    """Amodal instances of each image.

    Chooses the instances first, builds each query's mask once, a few at a time at
    the size of the mask features, and one by one at full size where they are not
    empty. So the memory depends neither on the number of queries nor on how often a
    query was chosen. Visible masks, where the model predicts them, are built beside
    the amodal ones and cut to them.

    Settings in ``test_cfg``: ``max_per_image`` (100), ``mask_chunk_size`` (10,
    masks at the size of the mask features held at a time) and ``mask_format``:
    'rle' (a list of RLEs, the form metrics and files want) or 'bitmap' (a bool
    tensor).

    Args:
        num_things_classes: Number of classes.
        num_stuff_classes: Always 0; there is no amodal stuff.
        test_cfg: Settings as above.

    Raises:
        ValueError: If ``mask_format`` is neither of the two.
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
        self.mask_format = test_cfg.get('mask_format', 'rle')
        if self.mask_format not in ('rle', 'bitmap'):
            raise ValueError(
                f"test_cfg.mask_format must be 'rle' or 'bitmap', "
                f'not {self.mask_format!r}'
            )

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
            For each image ``dict(ins_results=InstanceData)`` with ``bboxes``
            (n, 4), ``labels`` (n,), ``scores`` (n,), ``masks`` (n of them) and,
            where the model predicts them, ``occlusion_rates`` (n,) in [0, 1] and
            ``visible_masks`` (n of them, in the form of ``masks``), each inside its
            amodal mask. Score and box are the amodal mask's.
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
        upsampler = MaskUpsampler(mask_features.shape[1:], sizes, mask_features.device)
        rles, visible_rles, qualities = [], [], []
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
                rles.append(_encode(inside, region, sizes))
                if visible is not None:
                    # nothing is visible outside the amodal mask, hence its region
                    inside &= upsampler.region(visible, box).logits > 0
                    visible_rles.append(_encode(inside, region, sizes))
        scores = top.scores * torch.stack(qualities)[of_query]
        scores, order = scores.sort(descending=True)
        of_query = of_query[order]
        rles = [rles[index] for index in of_query.tolist()]

        instances = InstanceData()
        boxes = scores.new_tensor([rle_bbox(rle) for rle in rles])
        boxes[:, 2:] += boxes[:, :2]
        instances.bboxes = boxes
        instances.labels = top.labels[order]
        instances.scores = scores
        instances.masks = self._formatted(rles, scores.device)
        if occlusion_rates is not None:
            instances.occlusion_rates = occlusion_rates[queries][of_query]
        if visible_mask_embed is not None:
            visible_rles = [visible_rles[index] for index in of_query.tolist()]
            instances.visible_masks = self._formatted(visible_rles, scores.device)
        return instances

    def _formatted(self, rles: list[RLE], device: torch.device) -> list[RLE] | Tensor:
        if self.mask_format == 'rle':
            return rles
        return torch.from_numpy(decode_masks(rles)).bool().to(device)


def _masks(mask_embed: Tensor, mask_features: Tensor) -> Tensor:
    # (n, C) x (C, H/4, W/4) -> (n, H/4, W/4)
    return torch.einsum('nc,chw->nhw', mask_embed, mask_features)


def _encode(inside: Tensor, region: MaskRegion, sizes: ImageSizes) -> RLE:
    return encode_region(inside.cpu().numpy(), region.top, region.left, *sizes.result)


def _sizes(sample: DetDataSample, rescale: bool) -> ImageSizes:
    meta = sample.metainfo
    return ImageSizes(
        batch_input=tuple(meta['batch_input_shape'][:2]),
        image=tuple(meta['img_shape'][:2]),
        output=tuple(meta['ori_shape'][:2]) if rescale else None,
    )
