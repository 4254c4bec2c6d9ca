"""The whole evaluation of amodal instance segmentation as one pure function."""

import contextlib
import gc
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from ..structures import RLE, rle_areas, rle_bbox, rle_difference
from .average_precision import (
    COCO_AREAS,
    CocoEvaluation,
    evaluate_by_occlusion,
    evaluate_coco,
)
from .coco_eval import match_masks, overlaps
from .ground_truth import AmodalGroundTruth
from .matched_evaluation import (
    MatchedEvaluation,
    evaluate_matches,
    has_unknown_parts,
    is_partly_hidden,
)
from .occlusion_metrics import OCCLUDED_RATE
from .predictions import coco_detections


class AmodalEvaluation(NamedTuple):
    """Result of :func:`evaluate_amodal`.

    Attributes:
        boxes: Precision and recall of the boxes around the amodal masks.
        masks: Precision and recall of the 'amodal' and, where they are predicted and
            annotated, the 'visible' and 'invisible' masks.
        occlusion: Precision and recall of the amodal masks by occlusion bucket, under
            the rule 'ignore' and, where there are rates, 'by_rate'
            (:func:`~.average_precision.evaluate_by_occlusion`).
        matched: What is measured on matched instances, and the matches.
        false_positives: Ids of the detections that are unmatched at IoU 0.5.
        missed: Ids of the objects that are unmatched at IoU 0.5.
        objects: The evaluated objects, as in :class:`AmodalGroundTruth`, with ``bbox``
            (x, y, width, height) around the amodal mask.
        detections: The detections from :func:`~.predictions.coco_detections`.
        classes: Category id by class name, in the order of the labels.
        missing_inputs: Inputs that are not predicted or not annotated
            ('visible_masks', 'occlusion_rates'), with the reason.
        rates_derived: Whether occlusion rates are derived from the predicted masks.
        num_images: Number of evaluated images.
    """

    boxes: CocoEvaluation
    masks: dict[str, CocoEvaluation]
    occlusion: dict[str, CocoEvaluation]
    matched: MatchedEvaluation
    false_positives: tuple[int, ...]
    missed: tuple[int, ...]
    objects: list[dict]
    detections: list[dict]
    classes: dict[str, int]
    missing_inputs: dict[str, str]
    rates_derived: bool
    num_images: int


@contextlib.contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Switch the collector off: it takes 15 % of the time and finds no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_no_garbage_collection()
def evaluate_amodal(
    ground_truth: AmodalGroundTruth,
    results: Sequence[Mapping],
    classes: Sequence[str] | None = None,
    *,
    max_dets: Sequence[int] = (1, 10, 100),
    occluded_rate: float = OCCLUDED_RATE,
    min_invisible_area: float = 0,
) -> AmodalEvaluation:
    """Evaluate boxes, amodal, visible and invisible masks and occlusion rates.

    Only the images that were predicted count. Boxes are compared with those around the
    amodal masks. Visible and invisible masks are detections of their own, with the
    class and score of their instance and the area of their own mask; empty ones are
    left out on both sides, since there is nothing to be found. Objects with a rate and
    no mask that says what is hidden are ignored among them, as crowds are. The
    invisible mask is the amodal one without the visible one (ORCNN, Follmann et al.,
    WACV 2019).

    Args:
        ground_truth: The annotation file.
        results: Predictions from :func:`~.predictions.compact_prediction`, one dict
            per image, in any order.
        classes: Names of the classes in the order of the labels; those of the file
            where None.
        max_dets: Detection limits per image and category. Average precision uses the
            largest.
        occluded_rate: From this occlusion rate on an instance counts as occluded in
            the confusion, in (0, 1].
        min_invisible_area: Invisible masks of at most so many pixels are ignored as
            COCO ignores objects of another size.

    Returns:
        All that can be measured.

    Raises:
        ValueError: If predictions don't fit the annotation file.
    """
    categories = ground_truth.categories(classes)
    category_ids = list(categories.values())
    # the numbers must not depend on the order of the images, not even in the last bit
    results = sorted(results, key=lambda result: result['img_id'])
    detections = coco_detections(results, ground_truth, category_ids)
    images = [ground_truth.images[result['img_id']] for result in results]
    seen, known = {image['id'] for image in images}, set(category_ids)
    objects = [
        {**item, 'bbox': rle_bbox(item['segmentation'])}
        for item in ground_truth.annotations
        if item['image_id'] in seen and item['category_id'] in known
    ]
    missing = _missing_inputs(ground_truth, results)
    with_rates = 'occlusion_rates' not in missing
    with_visible_masks = 'visible_masks' not in missing

    limit = max(max_dets)
    common = dict(images=images, category_ids=category_ids)
    ious = overlaps(objects, detections, limit)
    coco = partial(evaluate_coco, max_dets=max_dets, **common)
    masks = dict(amodal=coco(objects, detections, ious=ious))
    if with_visible_masks:
        # as crowds: what is predicted on them is neither right nor wrong
        unknown = [
            {**item, 'iscrowd': 1} for item in objects if has_unknown_parts(item)
        ]
        known = [item for item in objects if not has_unknown_parts(item)]
        for part, extract, ranges in (
            ('visible', _visible_masks, COCO_AREAS),
            ('invisible', _invisible_masks, _areas_above(min_invisible_area)),
        ):
            items = extract(known) + unknown, extract(detections)
            masks[part] = coco(*items, ious=overlaps(*items, limit), ranges=ranges)
    matches = match_masks(objects, detections, ious, limit)
    return AmodalEvaluation(
        boxes=coco(
            objects,
            detections,
            ious=overlaps(objects, detections, limit, 'bbox'),
            # as COCO: the area of an object is that of its mask
            sizes=(
                [item['area'] for item in objects],
                [item['bbox'][2] * item['bbox'][3] for item in detections],
            ),
        ),
        masks=masks,
        occlusion=evaluate_by_occlusion(
            objects,
            detections,
            ious=ious,
            max_dets=limit,
            with_rates=with_rates,
            **common,
        ),
        matched=evaluate_matches(
            objects, detections, matches, occluded_rate, with_visible_masks, with_rates
        ),
        false_positives=matches.false_positives,
        missed=matches.missed,
        objects=objects,
        detections=detections,
        classes=categories,
        missing_inputs=missing,
        rates_derived=any(item.get('occlusion_rates_derived') for item in results),
        num_images=len(images),
    )


def _missing_inputs(
    ground_truth: AmodalGroundTruth, results: Sequence[Mapping]
) -> dict[str, str]:
    missing = {}
    if not all('visible_masks' in result for result in results):
        missing['visible_masks'] = 'no predicted visible masks'
    elif not ground_truth.has_visible_masks:
        missing['visible_masks'] = 'no annotated visible masks'
    if not all('occlusion_rates' in result for result in results):
        missing['occlusion_rates'] = 'no predicted occlusion rates'
    return missing


def _visible_masks(items: Sequence[Mapping]) -> list[dict]:
    return _with_masks(items, [item['visible_mask'] for item in items])


def _invisible_masks(items: Sequence[Mapping]) -> list[dict]:
    hidden = [item for item in items if is_partly_hidden(item)]
    return _with_masks(
        hidden,
        [rle_difference(item['segmentation'], item['visible_mask']) for item in hidden],
    )


def _with_masks(items: Sequence[Mapping], masks: Sequence[RLE]) -> list[dict]:
    """The items with other masks and the areas of these, without empty ones."""
    return [
        {**item, 'segmentation': mask, 'area': area}
        for item, mask, area in zip(items, masks, rle_areas(masks), strict=True)
        if area > 0
    ]


def _areas_above(minimum: float) -> dict[str, tuple[float, float]]:
    """COCO's areas without what is not larger than a minimum."""
    lowest = math.nextafter(minimum, math.inf)
    return {name: (max(low, lowest), high) for name, (low, high) in COCO_AREAS.items()}
