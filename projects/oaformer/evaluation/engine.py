"""COCO's matching and accumulation: faster-coco-eval if installed, or pycocotools.

Both engines take the same objects and overlaps and tell the same numbers, to the last
bit. What COCO calls the area of an object is any number here that decides in which of
the ranges it counts: COCO ignores an object outside a range, and a detection that found
nothing and is outside, too. NaN lies outside no range.
"""

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from .matching import IousByKey

try:
    # One that is installed and broken is an error, and not a reason to be slow.
    import faster_coco_eval
except ModuleNotFoundError:
    faster_coco_eval = None

FIELDS = ('id', 'image_id', 'category_id', 'area', 'iscrowd', 'score')


class EngineTask(NamedTuple):
    """What an engine is asked.

    Attributes:
        ground_truth: Objects as in :func:`~.functional.evaluate_masks`.
        detections: Detections as there.
        images: The images.
        category_ids: The categories.
        max_dets: Detection limits per image and category, in ascending order.
        ious: Overlaps as :func:`~.matching.mask_ious` gives them.
        areas: Smallest and largest area by name, both inside.
    """

    ground_truth: Sequence[Mapping]
    detections: Sequence[Mapping]
    images: Sequence[Mapping]
    category_ids: Sequence[int]
    max_dets: Sequence[int]
    ious: IousByKey
    areas: Mapping[str, tuple[float, float]]


class EngineResult(NamedTuple):
    """What an engine found; -1 where there is no ground truth.

    Attributes:
        precision: Interpolated precision, shape (IoU thresholds, recall points,
            categories, areas, detection limits).
        recall: Largest recall, shape (IoU thresholds, categories, areas, detection
            limits).
        iou_thrs: The IoU thresholds, shape (T,).
        category_ids: Ids of the categories, in ascending order.
        num_objects: Objects to be found, int64 of shape (categories, areas).
    """

    precision: np.ndarray
    recall: np.ndarray
    iou_thrs: np.ndarray
    category_ids: tuple[int, ...]
    num_objects: np.ndarray


def run_pycocotools(task: EngineTask) -> EngineResult:
    """Match and accumulate with pycocotools."""
    # It tells its progress on stdout, and nowhere else.
    with contextlib.redirect_stdout(io.StringIO()):
        engine = _build(COCOeval, COCO, task)
        engine.evaluate()
        engine.accumulate()
    return _result(engine, engine.eval['precision'], task)


def run_faster_coco_eval(task: EngineTask) -> EngineResult:
    """Match and accumulate with faster-coco-eval."""
    engine = _build(faster_coco_eval.COCOeval_faster, faster_coco_eval.COCO, task)
    params = engine.params
    num_points = len(params.recThrs)
    powers = 0.5 ** np.arange(max(len(task.ground_truth), 1).bit_length())
    params.recThrs = np.concatenate((params.recThrs, powers))
    engine.evaluate()
    engine.accumulate()
    precision = _single_hits_as_pycocotools(
        engine.eval['precision'][:, :num_points],
        engine.eval['precision'][:, num_points:],
        _num_objects(task, params.catIds),
    )
    return _result(engine, precision, task)


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


ENGINES: dict[str, Callable[[EngineTask], EngineResult]] = dict(
    pycocotools=run_pycocotools
)
if faster_coco_eval is not None:
    ENGINES['faster-coco-eval'] = run_faster_coco_eval
BEST_ENGINE = list(ENGINES)[-1]


def _build(base: type[COCOeval], coco_type: type[COCO], task: EngineTask) -> COCOeval:
    class Engine(base):
        def computeIoU(self, image_id: int, category_id: int) -> np.ndarray:
            return task.ious.get((image_id, category_id), np.zeros((0, 0)))

    # As 'bbox' it does not look at the masks, which would take most of its time.
    engine = Engine(
        _coco(coco_type(), task.ground_truth, task),
        _coco(coco_type(), task.detections, task),
        'bbox',
    )
    engine.params.imgIds = [image['id'] for image in task.images]
    engine.params.catIds = list(task.category_ids)
    engine.params.maxDets = list(task.max_dets)
    engine.params.areaRng = [list(limits) for limits in task.areas.values()]
    engine.params.areaRngLbl = list(task.areas)
    return engine


def _coco(coco: COCO, annotations: Sequence[Mapping], task: EngineTask) -> COCO:
    """Index annotations in memory. The engines write into them."""
    coco.dataset = dict(
        images=[dict(image) for image in task.images],
        annotations=[
            {key: annotation[key] for key in FIELDS if key in annotation}
            for annotation in annotations
        ],
        categories=[dict(id=category_id) for category_id in task.category_ids],
    )
    coco.createIndex()
    return coco


def _num_objects(task: EngineTask, category_ids: Sequence[int]) -> np.ndarray:
    """Objects to be found, int64 of shape (categories, areas): crowds are not."""
    image_ids = {image['id'] for image in task.images}
    index = {category_id: k for k, category_id in enumerate(category_ids)}
    counted = [
        (index[item['category_id']], item['area'])
        for item in task.ground_truth
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
            for low, high in task.areas.values()
        ],
        axis=1,
    )


def _result(engine: COCOeval, precision: np.ndarray, task: EngineTask) -> EngineResult:
    category_ids = tuple(int(category_id) for category_id in engine.params.catIds)
    return EngineResult(
        precision=precision,
        recall=engine.eval['recall'],
        iou_thrs=engine.params.iouThrs,
        category_ids=category_ids,
        num_objects=_num_objects(task, category_ids),
    )
