"""A tiny OAFormer on disk: its config and its weights, as MMEngine saves them."""

import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from tiny_models import CONFIGS, SHRINK

CLASSES = ('disc', 'box', 'ring')
NUM_INSTANCES = 3
RUNTIME = dict(
    model=dict(test_cfg=dict(max_per_image=NUM_INSTANCES)),
    # The data set does not exist and must not be read.
    test_dataloader=dict(
        dataset=dict(
            type='AmodalCocoDataset',
            data_root='nowhere/',
            ann_file='absent.json',
            pipeline=[
                dict(type='LoadImageFromFile'),
                dict(type='Resize', scale=(96, 64), keep_ratio=True),
                dict(type='LoadAmodalAnnotations'),
                dict(
                    type='PackAmodalInputs',
                    meta_keys=(
                        'img_id',
                        'img_path',
                        'ori_shape',
                        'img_shape',
                        'scale_factor',
                    ),
                ),
            ],
        )
    ),
    visualizer=dict(
        type='AmodalLocalVisualizer', vis_backends=[dict(type='LocalVisBackend')]
    ),
)


def tiny_config(**changes):
    """Config of a tiny OAFormer; ``changes`` go to its model."""
    cfg = Config.fromfile(
        CONFIGS / '_base_' / 'models' / 'oaformer_r50.py', import_custom_modules=False
    )
    for part in (dict(model=SHRINK), RUNTIME, dict(model=changes)):
        cfg.merge_from_dict(part)
    return cfg


def write_tiny_checkpoint(folder, seed=0, **changes):
    """Write ``config.py`` and ``weights.pth`` and return their paths."""
    cfg = tiny_config(**changes)
    cfg.dump(folder / 'config.py')
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    meta = dict(cfg=cfg.pretty_text, dataset_meta=dict(classes=CLASSES))
    torch.save(dict(meta=meta, state_dict=model.state_dict()), folder / 'weights.pth')
    return folder / 'config.py', folder / 'weights.pth'
