"""COCO's matching and accumulation: faster-coco-eval if installed, or pycocotools.

Both engines take the same objects and tell the same numbers, to the last bit. Masks are
encoded with pycocotools in either case.
"""

import contextlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

try:
    # One that is installed and broken is an error, and not a reason to be slow.
    import faster_coco_eval
except ModuleNotFoundError:
    faster_coco_eval = None

KEYS = ('id', 'image_id', 'category_id', 'segmentation', 'area', 'iscrowd', 'score')


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
            _coco(COCO(), ground_truth, images, category_ids),
            _coco(COCO(), detections, images, category_ids),
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
    """Evaluate masks with faster-coco-eval; arguments as of ``evaluate_masks``.

    pycocotools divides by the number of detections plus the smallest float step, so a
    single hit has a precision of 1 - 2e-16. faster-coco-eval says 1, as for two hits.
    Whether a curve reaches 1 with one hit only is seen at a recall that takes two: for
    n objects, a power of two in (1/n, 2/n]. The engine is asked for those, too.
    """
    engine = faster_coco_eval.COCOeval_faster(
        _coco(faster_coco_eval.COCO(), ground_truth, images, category_ids),
        _coco(faster_coco_eval.COCO(), detections, images, category_ids),
        'segm',
    )
    params = engine.params
    _set_params(params, images, category_ids, max_dets)
    num_points = len(params.recThrs)
    powers = 0.5 ** np.arange(max(len(ground_truth), 1).bit_length())
    params.recThrs = np.concatenate((params.recThrs, powers))
    engine.evaluate()
    engine.accumulate()
    precision = engine.eval['precision']
    precision, at_powers = precision[:, :num_points], precision[:, num_points:]
    num_objects = _num_objects(ground_truth, images, params.catIds, params.areaRng)
    # (K, A) -> (T, 1, K, A, M)
    exponents = np.frexp(num_objects - 1)[1] - 1
    index = np.broadcast_to(
        exponents.clip(0)[None, None, :, :, None], at_powers[:, :1].shape
    )
    two_hits = np.take_along_axis(at_powers, index, axis=1) == 1
    two_hits &= num_objects[:, :, None] > 1
    one_hit = 1 / (1 + np.spacing(1))
    precision = np.where((precision == 1) & ~two_hits, one_hit, precision)
    return _result(engine, precision)


ENGINES: dict[str, Callable[..., EngineResult]] = dict(pycocotools=run_pycocotools)
if faster_coco_eval is not None:
    ENGINES['faster-coco-eval'] = run_faster_coco_eval
BEST_ENGINE = list(ENGINES)[-1]


def _coco(
    coco: COCO,
    annotations: Iterable[Mapping],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
) -> COCO:
    """Index annotations in memory. Copies them, since the engines write into them."""
    coco.dataset = dict(
        images=[dict(image) for image in images],
        annotations=[
            {key: annotation[key] for key in KEYS if key in annotation}
            for annotation in annotations
        ],
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
