"""The step from the head's output to instances, where MMDetection has its own."""

import torch
from mmdet.models.seg_heads.panoptic_fusion_heads.base_panoptic_fusion_head import (
    BasePanopticFusionHead,
)
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, SampleList
from mmengine.structures import InstanceData
from torch import Tensor

from ...structures import decode_masks, encode_region, rle_bbox
from ..heads import OAFormerOutput
from .instances import top_instances
from .upsampling import MaskUpsampler, PictureSizes, positive_boxes, region_quality


@MODELS.register_module()
class AmodalFusionHead(BasePanopticFusionHead):
    """Amodal instances of each picture.

    Chooses the instances first, builds each query's mask once, a few at a time at
    the size of the mask features, and one by one at full size where they are not
    empty. So the memory depends neither on the number of queries nor on how often a
    query was chosen.

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
        """Instances of each picture, best first.

        Args:
            output: The head's last stage, in float32.
            batch_data_samples: Samples with the pictures' sizes.
            rescale: Whether masks and boxes go to the original picture's size.

        Returns:
            For each picture ``dict(ins_results=InstanceData)`` with ``bboxes``
            (n, 4), ``labels`` (n,), ``scores`` (n,), ``masks`` (n of them) and,
            where the model predicts them, ``occlusion_rates`` (n,) in [0, 1].
        """
        rates = [None] * len(batch_data_samples)
        if output.occlusion_logits:
            rates = output.occlusion_logits[-1].sigmoid()
        return [
            dict(
                ins_results=self._picture_instances(
                    output.cls_scores[-1][index],
                    output.mask_embeds[-1][index],
                    output.mask_features[index],
                    rates[index],
                    _sizes(sample, rescale),
                )
            )
            for index, sample in enumerate(batch_data_samples)
        ]

    def _picture_instances(
        self,
        cls_score: Tensor,
        mask_embed: Tensor,
        mask_features: Tensor,
        occlusion_rates: Tensor | None,
        sizes: PictureSizes,
    ) -> InstanceData:
        top = top_instances(cls_score, self.max_per_image)
        queries, of_query = top.queries.unique(return_inverse=True)
        upsampler = MaskUpsampler(mask_features.shape[1:], sizes, mask_features.device)
        rles, qualities = [], []
        for embed in mask_embed[queries].split(self.mask_chunk_size):
            # (n, C) x (C, H/4, W/4) -> (n, H/4, W/4)
            masks = torch.einsum('nc,chw->nhw', embed, mask_features)
            for mask, box in zip(masks, positive_boxes(masks), strict=True):
                region = upsampler.region(mask, box)
                qualities.append(region_quality(region.logits))
                inside = (region.logits > 0).cpu().numpy()
                rles.append(
                    encode_region(inside, region.top, region.left, *sizes.result)
                )
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
        if self.mask_format == 'bitmap':
            bitmaps = torch.from_numpy(decode_masks(rles)).bool()
            instances.masks = bitmaps.to(scores.device)
        else:
            instances.masks = rles
        if occlusion_rates is not None:
            instances.occlusion_rates = occlusion_rates[queries][of_query]
        return instances


def _sizes(sample: DetDataSample, rescale: bool) -> PictureSizes:
    meta = sample.metainfo
    return PictureSizes(
        batch_input=tuple(meta['batch_input_shape'][:2]),
        image=tuple(meta['img_shape'][:2]),
        output=tuple(meta['ori_shape'][:2]) if rescale else None,
    )
