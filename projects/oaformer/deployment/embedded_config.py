"""What an ONNX file says about how it is used."""

import math

from mmengine.config import Config, ConfigDict


def embedded_config(cfg: Config | ConfigDict) -> Config:
    """The part of a config that a runtime needs.

    Args:
        cfg: The model's config.

    Returns:
        The fusion head, the test pipeline and the visualiser.
    """
    fusion_head = cfg.model.get('panoptic_fusion_head') or dict(
        type='AmodalFusionHead',
        num_things_classes=cfg.model.panoptic_head.num_things_classes,
    )
    fusion_head = dict(fusion_head, test_cfg=cfg.model.get('test_cfg') or {})
    pipeline = cfg.test_dataloader.dataset.pipeline
    embedded = dict(
        model=dict(panoptic_fusion_head=fusion_head),
        test_dataloader=dict(dataset=dict(pipeline=pipeline)),
    )
    if cfg.get('visualizer'):
        embedded['visualizer'] = cfg.visualizer
    return Config(embedded)


def default_size(cfg: Config | ConfigDict) -> tuple[int, int] | None:
    """Size of a padded image in wide format, by the test pipeline's resize.

    Args:
        cfg: The model's config.

    Returns:
        Height and width, multiples of the preprocessor's ``pad_size_divisor``; None
        if the pipeline resizes to nothing fixed.
    """
    divisor = cfg.model.data_preprocessor.get('pad_size_divisor', 1)
    for step in cfg.test_dataloader.dataset.pipeline:
        if step['type'] == 'Resize' and isinstance(step.get('scale'), (tuple, list)):
            width, height = step['scale']
            if step.get('keep_ratio', False):
                width, height = max(width, height), min(width, height)
            return tuple(
                math.ceil(side / divisor) * divisor for side in (height, width)
            )
    return None
