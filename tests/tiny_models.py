"""Shrunken real models and images for the model tests."""

from pathlib import Path

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config, ConfigDict
from mmengine.hub import get_config
from mmengine.structures import InstanceData

from oaformer.structures import AmodalMasks

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
EMBED_DIMS = 32
NUM_CLASSES = 3
SIZE = (64, 96)

ATTENTION = dict(embed_dims=EMBED_DIMS, num_heads=4, batch_first=True)
FEED_FORWARD = dict(embed_dims=EMBED_DIMS, feedforward_channels=48)
DECODER_LAYER = ConfigDict(
    self_attn_cfg=ATTENTION, cross_attn_cfg=ATTENTION, ffn_cfg=FEED_FORWARD
)
SHRINK = dict(
    data_preprocessor=dict(batch_augments=None),
    backbone=dict(depth=18, base_channels=8, init_cfg=None),
    panoptic_head=dict(
        in_channels=[8, 16, 32, 64],
        feat_channels=EMBED_DIMS,
        out_channels=EMBED_DIMS,
        num_things_classes=NUM_CLASSES,
        num_queries=7,
        pixel_decoder=dict(
            norm_cfg=dict(num_groups=8),
            encoder=dict(
                num_layers=1,
                layer_cfg=dict(self_attn_cfg=ATTENTION, ffn_cfg=FEED_FORWARD),
            ),
            positional_encoding=dict(num_feats=EMBED_DIMS // 2),
        ),
        positional_encoding=dict(num_feats=EMBED_DIMS // 2),
        transformer_decoder=dict(num_layers=4, layer_cfg=DECODER_LAYER),
    ),
    train_cfg=dict(num_points=200),
    test_cfg=dict(max_per_image=10),
)


def oaformer_config(**changes):
    """Config of a tiny OAFormer with ``changes``."""
    cfg = Config.fromfile(
        CONFIGS / '_base_' / 'models' / 'oaformer_r50.py', import_custom_modules=False
    )
    cfg.merge_from_dict(dict(model=SHRINK))
    cfg.merge_from_dict(dict(model=changes))
    return cfg.model


def oaformer(seed=0, **changes):
    """A seeded tiny OAFormer; ``changes`` go to its config."""
    return _build(oaformer_config(**changes), seed)


def mask2former(seed=0, **changes):
    """MMDetection's own Mask2Former of the same size, losses in the paper's scale."""
    cfg = get_config('mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py')
    cfg.merge_from_dict(dict(model=SHRINK))
    head = dict(
        loss_cls=dict(class_weight=[1.0] * NUM_CLASSES + [0.1], loss_weight=0.2),
        loss_mask=dict(loss_weight=0.5),
        loss_dice=dict(loss_weight=0.5),
    )
    fusion_head = dict(num_things_classes=NUM_CLASSES)
    cfg.merge_from_dict(
        dict(model=dict(panoptic_head=head, panoptic_fusion_head=fusion_head))
    )
    cfg.merge_from_dict(dict(model=changes))
    return _build(cfg.model, seed)


def load_weights(model, other):
    """Give a model the weights of another, which must have exactly the same.

    Frozen batch norm does without the counter of batches that batch norm has.
    """
    weights = {
        key: value
        for key, value in other.state_dict().items()
        if not key.endswith('num_batches_tracked')
    }
    model.load_state_dict(weights, strict=True)


def without_odm(num_layers=4):
    """Config changes that make OAFormer the plain Mask2Former."""
    return dict(
        panoptic_head=dict(odm=None, transformer_decoder=dict(num_layers=num_layers))
    )


def samples(counts=(3, 2), size=SIZE, seed=0, image_size=None, output_size=None):
    """Data samples with ``counts[i]`` objects in image i."""
    rng = np.random.default_rng(seed)
    batch = []
    for count in counts:
        amodal = np.zeros((count, *size), dtype=np.uint8)
        for mask in amodal:
            y, x = rng.integers(0, size[0] - 24), rng.integers(0, size[1] - 24)
            mask[y : y + rng.integers(8, 24), x : x + rng.integers(8, 24)] = 1
        visible = amodal.copy()
        visible[::2, : size[0] // 2] = 0
        masks = AmodalMasks(amodal, *size, visible=visible)
        labels = torch.from_numpy(rng.integers(0, NUM_CLASSES, count))
        sample = DetDataSample(
            metainfo=dict(
                batch_input_shape=size,
                img_shape=image_size or size,
                ori_shape=output_size or size,
                img_path='image.png',
            )
        )
        boxes = masks.get_bboxes('hbox').tensor
        sample.gt_instances = InstanceData(labels=labels, masks=masks, bboxes=boxes)
        batch.append(sample)
    return batch


def images(batch_size=2, size=SIZE, seed=0):
    """Random normalised images, (B, 3, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch_size, 3, *size, generator=generator)


def _build(cfg, seed):
    torch.manual_seed(seed)
    model = MODELS.build(cfg)
    model.init_weights()
    return model
