"""COCO's matching and accumulation: faster-coco-eval if installed, or pycocotools.

Both engines take the same objects and tell the same numbers, to the last bit. Overlaps
of masks come from pycocotools in either case.
"""

import contextlib
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pycocotools.mask as mask_util
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

try:
    # One that is installed and broken is an error, and not a reason to be slow.
    import faster_coco_eval
except ModuleNotFoundError:
    faster_coco_eval = None

FIELDS = ('id', 'image_id', 'category_id', 'area', 'iscrowd', 'score')


class EngineResult(NamedTuple):
    """What an engine found.

    Attributes:
        precision: Interpolated precision, shape (IoU thresholds, recall points,
            categories, areas, detection limits); -1 where there is no ground truth.
        recall: Largest recall, shape (IoU thresholds, categories, areas, detection
            limits); -1 where there is no ground truth.
        ious: IoUs by image and category id, shape (D, G): the detections within the
            largest limit by descending score, the ground truth in its own order.
            Empty where there is nothing to compare.
        iou_thrs: The IoU thresholds, shape (T,).
        areas: Smallest and largest area in pixels by name, 'all' first.
        max_dets: The detection limits per picture, in ascending order.
        category_ids: Ids of the categories, in ascending order.
    """

    precision: np.ndarray
    recall: np.ndarray
    ious: Mapping[tuple[int, int], np.ndarray]
    iou_thrs: np.ndarray
    areas: dict[str, tuple[float, float]]
    max_dets: tuple[int, ...]
    category_ids: tuple[int, ...]


def run_pycocotools(
    ground_truth: Sequence[Mapping],
    detections: Sequence[Mapping],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
    max_dets: Sequence[int],
) -> EngineResult:
    """Evaluate masks with pycocotools; arguments as of ``evaluate_masks``."""
    # It tells its progress on stdout, and nowhere else.
    with contextlib.redirect_stdout(io.StringIO()):
        engine = COCOeval(
            _coco(COCO(), map(dict, ground_truth), images, category_ids),
            _coco(COCO(), map(dict, detections), images, category_ids),
            'segm',
        )
        _set_params(engine.params, images, category_ids, max_dets)
        engine.evaluate()
        engine.accumulate()
    return _result(engine, engine.eval['precision'])


def run_faster_coco_eval(
    ground_truth: Sequence[Mapping],
    detections: Sequence[Mapping],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
    max_dets: Sequence[int],
) -> EngineResult:
    """Evaluate masks with faster-coco-eval; arguments as of ``evaluate_masks``."""
    objects_of = by_image_and_category(ground_truth)
    detections_of = by_image_and_category(detections)

    class Engine(faster_coco_eval.COCOeval_faster):
        def computeIoU(self, image_id: int, category_id: int) -> np.ndarray:
            key = (image_id, category_id)
            return _mask_ious(
                objects_of.get(key, ()), detections_of.get(key, ()), max(max_dets)
            )

    # As 'bbox' it does not look at the masks, which would take most of its time.
    engine = Engine(
        _coco(faster_coco_eval.COCO(), _fields(ground_truth), images, category_ids),
        _coco(faster_coco_eval.COCO(), _fields(detections), images, category_ids),
        'bbox',
    )
    params = engine.params
    _set_params(params, images, category_ids, max_dets)
    num_points = len(params.recThrs)
    powers = 0.5 ** np.arange(max(len(ground_truth), 1).bit_length())
    params.recThrs = np.concatenate((params.recThrs, powers))
    engine.evaluate()
    engine.accumulate()
    precision = engine.eval['precision']
    num_objects = _num_objects(ground_truth, images, params.catIds, params.areaRng)
    precision = _single_hits_as_pycocotools(
        precision[:, :num_points], precision[:, num_points:], num_objects
    )
    return _result(engine, precision)


def _single_hits_as_pycocotools(
    precision: np.ndarray, at_powers: np.ndarray, num_objects: np.ndarray
) -> np.ndarray:
    """Mend the one number in which the engines differ.

    pycocotools divides by the number of detections plus the smallest float step, so the
    precision of a single hit is 1 - 2e-16. faster-coco-eval says 1, as for two hits.
    Whether a curve has two hits before its first miss is seen at a recall that takes
    two: for n objects, the power of two in (1/n, 2/n].

    Args:
        precision: Precision of faster-coco-eval, shape (T, R, K, A, M).
        at_powers: The same at the recalls 1, 1/2, 1/4 ..., shape (T, P, K, A, M).
        num_objects: Objects to be found, shape (K, A).

    Returns:
        Precision of pycocotools, shape (T, R, K, A, M).
    """
    # Exponents of these powers, (K, A) -> (T, 1, K, A, M)
    exponents = (np.frexp(num_objects - 1)[1] - 1).clip(0)
    index = np.broadcast_to(exponents[:, :, None], at_powers[:, :1].shape)
    two_hits = np.take_along_axis(at_powers, index, axis=1) == 1
    two_hits &= num_objects[:, :, None] > 1
    return np.where((precision == 1) & ~two_hits, 1 / (1 + np.spacing(1)), precision)


ENGINES: dict[str, Callable[..., EngineResult]] = dict(pycocotools=run_pycocotools)
if faster_coco_eval is not None:
    ENGINES['faster-coco-eval'] = run_faster_coco_eval
BEST_ENGINE = list(ENGINES)[-1]


def by_image_and_category(
    annotations: Sequence[Mapping],
) -> dict[tuple[int, int], list[Mapping]]:
    """Annotations by image and category id, in their order."""
    groups = defaultdict(list)
    for annotation in annotations:
        groups[annotation['image_id'], annotation['category_id']].append(annotation)
    return dict(groups)


def by_score(detections: Sequence[Mapping]) -> list[Mapping]:
    """Detections by descending score, those with equal scores in their order."""
    return sorted(detections, key=lambda detection: -detection['score'])


def _mask_ious(
    objects: Sequence[Mapping], detections: Sequence[Mapping], max_dets: int
) -> np.ndarray:
    """COCO's IoUs as in :class:`EngineResult`."""
    if not objects or not detections:
        return np.zeros((0, 0))
    return mask_util.iou(
        [item['segmentation'] for item in by_score(detections)[:max_dets]],
        [item['segmentation'] for item in objects],
        [item['iscrowd'] for item in objects],
    )


def _fields(annotations: Sequence[Mapping]) -> list[dict]:
    return [
        {key: annotation[key] for key in FIELDS if key in annotation}
        for annotation in annotations
    ]


def _coco(
    coco: COCO,
    annotations: Iterable[dict],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
) -> COCO:
    """Index annotations in memory. The engines write into them."""
    coco.dataset = dict(
        images=[dict(image) for image in images],
        annotations=list(annotations),
        categories=[dict(id=category_id) for category_id in category_ids],
    )
    coco.createIndex()
    return coco


def _set_params(
    params: object,
    images: Sequence[Mapping],
    category_ids: Sequence[int],
    max_dets: Sequence[int],
) -> None:
    params.imgIds = [image['id'] for image in images]
    params.catIds = list(category_ids)
    params.maxDets = sorted(max_dets)


def _num_objects(
    ground_truth: Sequence[Mapping],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
    area_ranges: Sequence[Sequence[float]],
) -> np.ndarray:
    """Objects to be found, int64 of shape (categories, areas): crowds are not."""
    image_ids = {image['id'] for image in images}
    index = {category_id: k for k, category_id in enumerate(category_ids)}
    counted = [
        (index[item['category_id']], item['area'])
        for item in ground_truth
        if item['image_id'] in image_ids
        and item['category_id'] in index
        and not item['iscrowd']
    ]
    categories, areas = np.array(counted, dtype=np.float64).reshape(-1, 2).T
    return np.stack(
        [
            np.bincount(
                categories[(areas >= low) & (areas <= high)].astype(np.int64),
                minlength=len(index),
            )
            for low, high in area_ranges
        ],
        axis=1,
    )


def _result(engine: COCOeval, precision: np.ndarray) -> EngineResult:
    params = engine.params
    return EngineResult(
        precision=precision,
        recall=engine.eval['recall'],
        ious=engine.ious,
        iou_thrs=params.iouThrs,
        areas=dict(zip(params.areaRngLbl, map(tuple, params.areaRng), strict=True)),
        max_dets=tuple(params.maxDets),
        category_ids=tuple(int(category_id) for category_id in params.catIds),
    )
