"""What is known of objects that are to be completed: visible mask or box, class."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import Tensor

from ...structures import AmodalMasks, encode_masks, rle_union
from .targets import AmodalTargets

KINDS = ('visible_mask', 'box')


class Prompts(NamedTuple):
    """Objects of a whole batch that are to be completed, image after image.

    Attributes:
        masks: Visible masks, or boxes as filled masks, uint8, (N, H, W) at the batch's
            input size.
        is_box: Which of them are boxes, bool, (N,).
        labels: Classes; the number of classes where the class is unknown, (N,).
        counts: Objects of each image; they sum to N.
    """

    masks: Tensor
    is_box: Tensor
    labels: Tensor
    counts: list[int]

    def positions(self) -> tuple[Tensor, Tensor]:
        """Image and place within the image of each object, (N,) each."""
        device = self.labels.device
        counts = torch.tensor(self.counts, device=device)
        image = torch.arange(len(counts), device=device).repeat_interleave(counts)
        first = (counts.cumsum(0) - counts)[image]
        return image, torch.arange(len(image), device=device) - first


def draw_prompts(
    targets: AmodalTargets,
    num_classes: int,
    box_prob: float,
    unknown_prob: float,
    label_noise: float,
    box_noise: float,
) -> tuple[Prompts, Tensor]:
    """Draw prompts for the objects of training images that are seen at all.

    Args:
        targets: Ground truth with visible masks.
        num_classes: Number of classes K.
        box_prob: Share of objects given by the box of their visible part.
        unknown_prob: Share of objects whose class is unknown.
        label_noise: Share of the other objects with a class at random.
        box_noise: Largest shift of a box's side, in sizes of the box.

    Returns:
        The prompts, and for each its object's index in ``targets``.
    """
    visible = targets.visible_masks
    boxes, seen = mask_boxes(visible)
    instance = seen.nonzero()[:, 0]
    labels = targets.labels[instance]
    drawn = torch.rand(4, len(labels), device=labels.device)
    is_box = drawn[0] < box_prob
    random_labels = (drawn[3] * num_classes).long()
    labels = torch.where(drawn[2] < label_noise, random_labels, labels)
    labels = labels.masked_fill(drawn[1] < unknown_prob, num_classes)

    masks = visible[instance]
    boxes = boxes[instance].float()
    sizes = boxes[:, 2:] - boxes[:, :2]
    shifts = torch.rand(len(boxes), 4, device=boxes.device) * 2 - 1
    boxes = boxes + shifts * box_noise * sizes[:, [0, 1, 0, 1]]
    filled = box_masks(boxes, tuple(masks.shape[1:]))
    masks = torch.where(is_box[:, None, None], filled, masks)
    image = torch.repeat_interleave(
        torch.arange(len(targets.counts), device=labels.device),
        torch.tensor(targets.counts, device=labels.device),
    )
    counts = image[instance].bincount(minlength=len(targets.counts)).tolist()
    return Prompts(masks, is_box, labels, counts), instance


def annotated_prompts(instances: InstanceData, kind: str) -> InstanceData:
    """Prompts from annotations, for the protocol of completion; classes are unknown.

    Args:
        instances: Ground truth of an image; ``masks`` is an :class:`AmodalMasks`.
        kind: 'visible_mask', or 'box' for the box of the visible part.

    Returns:
        What :func:`sample_prompts` reads from ``sample.prompts``.

    Raises:
        ValueError: If the masks have no visible part, or ``kind`` is neither.
    """
    if kind not in KINDS:
        raise ValueError(f'test_cfg.complete is one of {KINDS}, not {kind!r}')
    masks = instances.get('masks')
    if not isinstance(masks, AmodalMasks):
        raise ValueError(
            'test_cfg.complete needs annotations: the test pipeline lacks '
            'LoadAmodalAnnotations or PackAmodalInputs'
        )
    visible = torch.from_numpy(masks.visible.copy())
    if kind == 'box':
        boxes, seen = mask_boxes(visible)
        visible = box_masks(boxes, tuple(visible.shape[1:]))
        visible[~seen] = 0
    return InstanceData(
        masks=encode_masks(visible.numpy()),
        is_box=torch.full((len(visible),), kind == 'box'),
        labels=torch.full((len(visible),), -1),
    )


def sample_prompts(
    samples: Sequence[DetDataSample], num_classes: int, device: torch.device
) -> Prompts:
    """The prompts of a batch.

    Args:
        samples: Each with ``prompts``: ``masks``, RLEs at the original image's size,
            visible masks or filled boxes; ``is_box``, (n,); ``labels``, (n,), -1 where
            the class is unknown.
        num_classes: Number of classes.
        device: Device of the result.
    """
    masks = []
    for sample in samples:
        rles, meta = sample.prompts.masks, sample.metainfo
        height, width = rles[0]['size'] if rles else meta['ori_shape'][:2]
        carrier = AmodalMasks(rles, height, width)
        carrier = carrier.resize(tuple(meta['img_shape'][:2]))
        carrier = carrier.pad(tuple(meta['batch_input_shape'][:2]))
        masks.append(carrier.to_tensor(torch.uint8, device))
    labels = torch.cat([sample.prompts.labels for sample in samples]).to(device)
    return Prompts(
        torch.cat(masks),
        torch.cat([sample.prompts.is_box for sample in samples]).to(device),
        torch.where(labels < 0, num_classes, labels),
        [len(sample.prompts.labels) for sample in samples],
    )


def with_known(instances: InstanceData, prompts: InstanceData) -> dict[str, object]:
    """Predicted instances with what was known of them.

    Args:
        instances: Prediction at the original image's size, one instance per prompt.
        prompts: Their prompts; see :func:`sample_prompts`.

    Returns:
        The fields of the instances. Known classes replace the predicted ones. A given
        visible mask is the visible mask, and the amodal mask contains it. Of boxes
        there are visible masks only where the model predicts them: where it does not
        and there are boxes, the field is left out.
    """
    fields = dict(instances.items())
    labels = prompts.labels.to(instances.labels.device)
    fields['labels'] = torch.where(labels < 0, instances.labels, labels)
    is_box = prompts.is_box.tolist()
    predicted = fields.pop('visible_masks', None)
    if predicted is not None or not any(is_box):
        pairs = zip(predicted or prompts.masks, prompts.masks, is_box, strict=True)
        fields['visible_masks'] = [own if box else given for own, given, box in pairs]
    fields['masks'] = [
        mask if box else rle_union(mask, given)
        for mask, given, box in zip(instances.masks, prompts.masks, is_box, strict=True)
    ]
    # those of the masks before the union
    del fields['bboxes']
    if instances.get('occlusion_rates_derived', False):
        del fields['occlusion_rates']
    return fields


def box_masks(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Filled boxes: the pixels that a box touches.

    Args:
        boxes: x1, y1, x2, y2 in pixels, (N, 4).
        size: H and W.

    Returns:
        uint8, (N, H, W).
    """
    x1, y1, x2, y2 = boxes[:, :, None].unbind(1)
    rows = torch.arange(size[0], device=boxes.device)
    columns = torch.arange(size[1], device=boxes.device)
    in_rows = (rows + 1 > y1) & (rows < y2)
    in_columns = (columns + 1 > x1) & (columns < x2)
    return (in_rows[:, :, None] & in_columns[:, None, :]).to(torch.uint8)


def level_masks(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Cells of a feature level that a mask touches.

    Args:
        masks: uint8, (N, H, W).
        size: H_l and W_l of the level.

    Returns:
        bool, (N, H_l, W_l).
    """
    height, width = size
    # strides of the level, rounded up
    down = -(-masks.shape[1] // height)
    across = -(-masks.shape[2] // width)
    padding = (0, width * across - masks.shape[2], 0, height * down - masks.shape[1])
    if any(padding):
        masks = F.pad(masks, padding)
    cells = masks.view(len(masks), height, down, width, across)
    return cells.amax(dim=4).amax(dim=2) > 0


def mask_boxes(masks: Tensor) -> tuple[Tensor, Tensor]:
    """Tightest boxes, x1, y1, x2, y2, (N, 4), and which masks are not empty, (N,).

    The box of an empty mask is that of the whole image.
    """
    # a max over bytes is the cheapest look at whole masks
    rows, columns = masks.amax(2), masks.amax(1)
    (x1, x2), (y1, y2) = _extent(columns), _extent(rows)
    return torch.stack([x1, y1, x2, y2], dim=1), rows.any(1).bool()


def _extent(occupied: Tensor) -> tuple[Tensor, Tensor]:
    """First and past-the-last index of nonzero entries of each row, (N, L) -> (N,)."""
    occupied = occupied > 0
    first = occupied.int().argmax(dim=1)
    past = occupied.shape[1] - occupied.flip(1).int().argmax(dim=1)
    return first, past
