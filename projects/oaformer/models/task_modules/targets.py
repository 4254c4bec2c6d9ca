"""Ground truth of a batch as tensors."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmdet.structures import DetDataSample
from torch import Tensor

from ...structures import AmodalMasks


class AmodalTargets(NamedTuple):
    """Objects of a whole batch, image after image.

    Attributes:
        labels: Class of each object, (N,).
        masks: Amodal masks at the batch's input size, uint8, (N, H, W).
        occlusion_rates: Invisible area / amodal area, float32, (N,); None unless
            requested.
        counts: Number of objects in each image; they sum to N.
        visible_masks: Visible masks, uint8, (N, H, W); None unless requested.
    """

    labels: Tensor
    masks: Tensor
    occlusion_rates: Tensor | None
    counts: list[int]
    visible_masks: Tensor | None = None

    def offsets(self) -> list[int]:
        """Index of each image's first object."""
        return [sum(self.counts[:index]) for index in range(len(self.counts))]


def amodal_targets(
    samples: Sequence[DetDataSample],
    device: torch.device,
    with_occlusion_rates: bool,
    with_visible_masks: bool = False,
) -> AmodalTargets:
    """Gather the ground truth of a batch.

    Args:
        samples: Data samples with ``gt_instances``, whose ``masks`` are an
            :class:`AmodalMasks` where rates or visible masks are needed.
        device: Device of the result.
        with_occlusion_rates: Whether occlusion rates are needed.
        with_visible_masks: Whether visible masks are needed.

    Returns:
        The objects of all images. Masks keep one byte per pixel.

    Raises:
        ValueError: If masks are missing, not padded to the batch's size, or plain
            ones that have no visible masks and occlusion rates.
    """
    labels, masks, visible_masks, rates, counts = [], [], [], [], []
    for sample in samples:
        instances = sample.gt_instances
        size = tuple(sample.metainfo.get('batch_input_shape', sample.img_shape)[:2])
        if 'masks' not in instances:
            raise ValueError(f'{_name(sample)} has no gt_instances.masks to train on')
        carrier = instances.masks
        if with_occlusion_rates or with_visible_masks:
            _check_carrier(carrier, sample)
        mask = carrier.to_tensor(torch.uint8, device)
        if len(mask) and tuple(mask.shape[1:]) != size:
            raise ValueError(
                f'{_name(sample)}: masks are {tuple(mask.shape[1:])}, the batch is '
                f'{size}. Set pad_mask=True in data_preprocessor and in every batch '
                'augment that pads.'
            )
        if with_occlusion_rates:
            rates.append(torch.tensor(carrier.occlusion_rates, device=device))
        if with_visible_masks:
            visible = torch.tensor(carrier.visible, dtype=torch.uint8, device=device)
            visible_masks.append(visible.reshape(-1, *size))
        labels.append(instances.labels.to(device))
        masks.append(mask.reshape(-1, *size))
        counts.append(len(mask))
    return AmodalTargets(
        torch.cat(labels),
        torch.cat(masks),
        torch.cat(rates) if with_occlusion_rates else None,
        counts,
        torch.cat(visible_masks) if with_visible_masks else None,
    )


def _check_carrier(masks: object, sample: DetDataSample) -> None:
    if not isinstance(masks, AmodalMasks):
        raise ValueError(
            f'{_name(sample)}: gt_instances.masks is {type(masks).__name__}, which has '
            'no visible masks and no occlusion rates. The pipeline needs '
            'LoadAmodalAnnotations and PackAmodalInputs; to train without either, set '
            'panoptic_head.loss_occlusion, loss_visible_mask and loss_visible_dice to '
            'None.'
        )


def _name(sample: DetDataSample) -> str:
    return str(sample.metainfo.get('img_path', 'a training image'))
