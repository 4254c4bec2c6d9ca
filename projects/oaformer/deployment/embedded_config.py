"""The config inside an ONNX file."""

import math

from mmengine.config import Config, ConfigDict
from torch import nn


def embedded_config(detector: nn.Module) -> Config:
    """The part of a config that a runtime needs.

    Args:
        detector: The detector, its config as ``cfg``.

    Returns:
        The postprocessor, the test pipeline and the visualiser.
    """
    cfg = detector.cfg
    postprocessor = detector.postprocessor_config(cfg.model)
    postprocessor = dict(postprocessor, test_cfg=cfg.model.get('test_cfg') or {})
    pipeline = cfg.test_dataloader.dataset.pipeline
    embedded = dict(
        # the key of files written by earlier versions
        model=dict(panoptic_fusion_head=postprocessor),
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
