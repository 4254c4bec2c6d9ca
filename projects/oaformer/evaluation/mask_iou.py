"""IoU of the masks of matched instances: amodal, visible and invisible.

Pure functions of sequences of RLEs: entry m of each belongs to the m-th detection that
was matched to an object. Only areas of intersections are needed, no mask is decoded.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..structures import RLE, rle_area, rle_intersection


class MeanIoU(NamedTuple):
    """Result of :func:`mean_iou`.

    Attributes:
        value: Mean IoU in [0, 1], None where there is none to average.
        count: Number of instances that have an IoU.
    """

    value: float | None
    count: int


def mean_iou(ious: Sequence[float | None]) -> MeanIoU:
    """Mean of the IoUs of instances that have one.

    Of :func:`matched_ious` on amodal masks it is what C2F-Seg calls mIoU-full; of
    :func:`matched_invisible_ious` it is its mIoU-occ. Both average over instances, not
    over pixels or classes. They score masks for given objects; which predicted mask
    belongs to which object is a definition of ours: those that COCO matches at IoU 0.5.
    An object that was not found doesn't count, so look at the count too.

    Args:
        ious: IoUs, None for an instance that doesn't count.

    Returns:
        The mean and how many it is of.
    """
    measured = [iou for iou in ious if iou is not None]
    return MeanIoU(float(np.mean(measured)) if measured else None, len(measured))


def matched_ious(
    predicted: Sequence[RLE], annotated: Sequence[RLE]
) -> list[float | None]:
    """IoU of each predicted mask with its annotated one.

    For amodal masks mIoU-full of C2F-Seg (Gao et al., Coarse-to-fine amodal
    segmentation with shape prior, ICCV 2023). Visible masks are compared alike.

    Args:
        predicted: M predicted masks.
        annotated: M annotated masks, in the same order.

    Returns:
        M IoUs in [0, 1], None where both masks are empty.

    Raises:
        ValueError: If the lengths or the sizes of two masks differ.
    """
    return _ious(
        intersection_areas(predicted, annotated),
        _areas(predicted),
        _areas(annotated),
    )


def matched_invisible_ious(
    predicted: Sequence[RLE],
    annotated: Sequence[RLE],
    annotated_visible: Sequence[RLE],
) -> list[float | None]:
    """IoU of the invisible parts if the visible masks were known, for any model.

    mIoU-occ of C2F-Seg (Gao et al., ICCV 2023, whose model is given the visible masks):
    the predicted amodal mask without the **annotated** visible mask against the
    annotated amodal mask without it. Objects with nothing hidden are removed from the
    mean. No visible mask has to be predicted; pixels beside the object that the
    prediction adds count against it.

    Args:
        predicted: M predicted amodal masks.
        annotated: M annotated amodal masks, in the same order.
        annotated_visible: Their visible parts, each inside its amodal mask.

    Returns:
        M IoUs in [0, 1], None where nothing of the object is hidden.

    Raises:
        ValueError: If the lengths or the sizes of masks differ.
    """
    visible_part = intersection_areas(predicted, annotated_visible)
    hidden = _areas(annotated) - _areas(annotated_visible)
    ious = _ious(
        intersection_areas(predicted, annotated) - visible_part,
        _areas(predicted) - visible_part,
        hidden,
    )
    return _where_hidden(ious, hidden)


def matched_predicted_invisible_ious(
    predicted: Sequence[RLE],
    predicted_visible: Sequence[RLE],
    annotated: Sequence[RLE],
    annotated_visible: Sequence[RLE],
) -> list[float | None]:
    """IoU of the predicted invisible masks, for models that predict visible masks.

    The predicted amodal mask without the **predicted** visible mask against the
    annotated amodal mask without the annotated visible mask; so a model has to tell
    what is hidden and what is seen, too. Objects with nothing hidden are removed from
    the mean, as in :func:`matched_invisible_ious`. Predictions are those of ORCNN
    (Follmann et al., WACV 2019: invisible is amodal without visible).

    Args:
        predicted: M predicted amodal masks.
        predicted_visible: Their visible parts, each inside its amodal mask.
        annotated: M annotated amodal masks, in the same order.
        annotated_visible: Their visible parts, each inside its amodal mask.

    Returns:
        M IoUs in [0, 1], None where nothing of the object is hidden.

    Raises:
        ValueError: If the lengths or the sizes of masks differ.
    """
    # |(P - p) & (G - g)| with p inside P and g inside G
    intersections = (
        intersection_areas(predicted, annotated)
        - intersection_areas(predicted_visible, annotated)
        - intersection_areas(predicted, annotated_visible)
        + intersection_areas(predicted_visible, annotated_visible)
    )
    hidden = _areas(annotated) - _areas(annotated_visible)
    ious = _ious(intersections, _areas(predicted) - _areas(predicted_visible), hidden)
    return _where_hidden(ious, hidden)


def intersection_areas(first: Sequence[RLE], second: Sequence[RLE]) -> np.ndarray:
    """Number of pixels that lie inside both masks of each pair.

    Args:
        first: M masks.
        second: M masks.

    Returns:
        int64 numbers of pixels, shape (M,).

    Raises:
        ValueError: If the lengths or the sizes of two masks differ; pycocotools would
            take the latter for no overlap.
    """
    if len(first) != len(second):
        raise ValueError(f'{len(first)} masks cannot be paired with {len(second)}')
    merged = []
    for one, other in zip(first, second, strict=True):
        if list(one['size']) != list(other['size']):
            raise ValueError(
                f'masks of sizes {one["size"]} and {other["size"]} (height, width) '
                'are not of the same image'
            )
        merged.append(rle_intersection(one, other))
    return _areas(merged)


def _areas(rles: Sequence[RLE]) -> np.ndarray:
    return np.array([rle_area(rle) for rle in rles], dtype=np.int64)


def _ious(
    intersections: np.ndarray, first: np.ndarray, second: np.ndarray
) -> list[float | None]:
    unions = first + second - intersections
    return [
        intersection / union if union else None
        for intersection, union in zip(
            intersections.tolist(), unions.tolist(), strict=True
        )
    ]


def _where_hidden(
    ious: Sequence[float | None], hidden: np.ndarray
) -> list[float | None]:
    return [
        iou if area else None for iou, area in zip(ious, hidden.tolist(), strict=True)
    ]
