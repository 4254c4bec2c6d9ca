"""From logits to run-length encoded instances of a D2SA image."""

from pathlib import Path

import pycocotools.mask as mask_util
import torch
from mmdet.structures.mask import encode_mask_results
from torch import nn

from .measure import Case
from .models import NUM_CLASSES, decoder_features, meta_samples, model_pair

INPUT, OUTPUT = (800, 1088), (1440, 1920)


def cases(device: str, folder: Path) -> list[Case]:
    """100 and 300 queries."""
    return [case(num_queries, device) for num_queries in (100, 300)]


def case(num_queries: int, device: str) -> Case:
    """Post-processing from the head's output to RLE."""
    stock, ours = model_pair(num_queries, device)
    samples = meta_samples(INPUT, OUTPUT)
    samples[0].set_metainfo(dict(img_shape=(800, 1067)))
    generator = torch.Generator().manual_seed(0)
    features = decoder_features(*INPUT, device)[0]
    embeds = torch.randn(1, num_queries, 256, generator=generator).to(device)
    scores = torch.randn(1, num_queries, NUM_CLASSES + 1, generator=generator)
    scores = scores.to(device)

    @torch.no_grad()
    def run_stock() -> tuple:
        masks = torch.einsum('bqc,bchw->bqhw', embeds, features)
        masks = nn.functional.interpolate(
            masks, INPUT, mode='bilinear', align_corners=False
        )
        head = stock.panoptic_fusion_head
        instances = head.predict(scores, masks, samples, rescale=True)
        instances = instances[0]['ins_results']
        return instances, encode_mask_results(instances.masks.cpu().numpy())

    @torch.no_grad()
    def run_ours() -> tuple:
        output = dict(cls_scores=scores, mask_embeds=embeds, mask_features=features)
        head = ours.panoptic_fusion_head
        (instances,) = head.predict(output, samples, rescale=True)
        return instances, instances.masks

    return Case(
        name=f'100 instances of Q = {num_queries} to {OUTPUT[0]} x {OUTPUT[1]}',
        stock=run_stock,
        ours=run_ours,
        check=check,
        target=4.0,
        memory_target=1 / 8,
    )


def check(stock: tuple, ours: tuple) -> None:
    """Same instances; a mask may differ in pixels whose logit is 0 but for rounding."""
    instances, rles = stock
    own, own_rles = ours
    order = instances.scores.argsort(descending=True)
    torch.testing.assert_close(own.scores, instances.scores[order])
    assert torch.equal(own.labels, instances.labels[order])
    for index, rle in zip(order.tolist(), own_rles, strict=True):
        ((iou,),) = mask_util.iou([rle], [rles[index]], [0])
        assert iou > 0.9999
