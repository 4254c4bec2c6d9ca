"""What goes into an ONNX file: the network of a detector, and a part of its config."""

import math

import torch
from mmengine.config import Config
from torch import Tensor, nn

INPUT_NAMES = ('inputs', 'img_shapes')


class ExportableDetector(nn.Module):
    """From images to the tensors that the postprocessor takes, normalisation included.

    Args:
        detector: The detector, in evaluation mode, with ``forward_tensors`` and
            ``postprocessor_config`` as in :class:`OAFormer`.

    Raises:
        ValueError: If the detector lacks them.
    """

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        if not hasattr(detector, 'forward_tensors'):
            raise ValueError(
                f'{type(detector).__name__} cannot be exported: only detectors whose '
                'network is one function of tensors can, such as OAFormer; two-stage '
                'detectors select boxes in between'
            )
        self.detector = detector

    def forward(self, inputs: Tensor, img_shapes: Tensor) -> tuple[Tensor, ...]:
        """Run the network.

        Args:
            inputs: Images, BGR, uint8, (B, 3, H, W), each at the upper left of its
                plane; what is beside it does not count. H and W are multiples of the
                data preprocessor's ``pad_size_divisor``.
            img_shapes: Height and width of each image, int64, (B, 2).

        Returns:
            The values of the detector's ``forward_tensors``.
        """
        preprocessor = self.detector.data_preprocessor
        images = preprocessor(dict(inputs=inputs, data_samples=None))['inputs']
        height, width = (side[:, None, None, None] for side in img_shapes.unbind(1))
        rows = torch.arange(inputs.shape[-2], device=inputs.device)[:, None]
        columns = torch.arange(inputs.shape[-1], device=inputs.device)
        # (B, 1, H, W)
        inside = (rows < height) & (columns < width)
        # padded after normalising, as the preprocessor pads
        images = images.masked_fill(~inside, preprocessor.pad_value)
        return tuple(self.detector.forward_tensors(images).values())


class StagedGroupNorm(nn.Module):
    """Group norm whose means are taken axis by axis.

    ONNX Runtime adds a group's values up one after the other, a million of them on a
    large image, and loses digits that decide on attention masks. Sums of a few
    hundred values don't.

    Args:
        norm: The norm with the weights and settings, with learned scale and shift.
    """

    def __init__(self, norm: nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, H, W)."""
        # (B, C, H, W) -> (B, groups, C / groups, H, W)
        groups = x.reshape(x.shape[0], self.norm.num_groups, -1, x.shape[2], x.shape[3])
        centred = groups - _mean(groups)
        variance = _mean(centred * centred)
        normed = (centred / (variance + self.norm.eps).sqrt()).reshape(x.shape)
        return normed * self.norm.weight[:, None, None] + self.norm.bias[:, None, None]


def replace_group_norms(module: nn.Module) -> None:
    """Put :class:`StagedGroupNorm` in the place of each group norm of a module."""
    for name, child in list(module.named_children()):
        if isinstance(child, nn.GroupNorm):
            setattr(module, name, StagedGroupNorm(child))
        else:
            replace_group_norms(child)


def _mean(groups: Tensor) -> Tensor:
    for dim in (4, 3, 2):
        groups = groups.mean(dim, keepdim=True)
    return groups


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


def default_size(cfg: Config) -> tuple[int, int] | None:
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
