"""The metric of amodal instance segmentation in MMDetection's registry."""

from collections.abc import Sequence
from typing import Any

from mmdet.registry import METRICS
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.fileio import dump
from mmengine.logging import print_log

from ..engine.dataset_config import dataset_classes
from ..engine.launch.faults import UsageError
from .amodal_evaluation import AmodalEvaluation, evaluate_amodal
from .coco_eval import BEST_ENGINE, MATCH_IOU
from .ground_truth import load_ground_truth
from .occlusion_metrics import OCCLUDED_RATE
from .predictions import coco_detections, coco_results, compact_prediction
from .summary import (
    Measurement,
    absent_metrics,
    as_text,
    class_table,
    evaluation_tables,
    measurements,
)


@METRICS.register_module()
class AmodalCocoMetric(BaseMetric):
    """COCO evaluation of amodal instance segmentation, and of occlusion.

    Average precision is COCO's own (https://cocodataset.org/#detection-eval). Results,
    all of them defined in docs/metrics.md:

    - ``segm_mAP``, ``_50``, ``_75``, ``_s``, ``_m``, ``_l`` and ``segm_AR@1``, ``@10``,
      ``@100`` of amodal masks; the same with ``visible_segm``, ``invisible_segm`` and
      ``bbox`` (boxes around amodal masks);
    - ``segm_mAP_occlusion_*``: amodal masks by the occlusion rate of the objects;
    - over the detections that COCO matches to an object of their class at IoU 0.5:
      ``mIoU_*``, ``occlusion_rate_*``, ``occluded_taken_for_unoccluded``,
      ``unoccluded_taken_for_occluded``, ``occlusion_order_accuracy``;
    - ``<class>_precision`` if ``classwise``.

    What can't be measured (no such objects, no predicted rates or visible masks, no
    match) is absent from the results and named in the log with the reason. Where a
    model predicts visible masks and no rates, the rates are derived from its masks.
    Only the images that were processed are evaluated.

    Args:
        ann_file: Annotation file in the schema (a COCO superset, D2SA's own keys).
        classwise: Whether to report the average precision of every class.
        proposal_nums: Detection limits per image. Average precision uses the last.
        occluded_rate: Smallest occlusion rate of an occluded object, in (0, 1].
        min_invisible_area: Invisible masks of at most so many pixels are ignored.
        format_only: Whether to write the predictions without evaluating them.
        outfile_prefix: Predictions are written to ``<outfile_prefix>.segm.json`` in
            COCO's result form with ``occlusion_rate`` and ``visible_mask`` where
            predicted; not written if None.
        class_agnostic: Whether all objects are of one class, 'object', as with the
            option of :class:`AmodalCocoDataset`.
        backend_args: Arguments of MMEngine's file backend.
        collect_device: 'cpu' or 'gpu', where results of several processes meet.
        prefix: Prefix of the results' names. Defaults to 'amodal'.
        collect_dir: Folder where results of several processes meet.

    Raises:
        ValueError: If the annotation file can't be used.
    """

    default_prefix = 'amodal'

    def __init__(
        self,
        ann_file: str,
        classwise: bool = False,
        proposal_nums: Sequence[int] = (1, 10, 100),
        occluded_rate: float = OCCLUDED_RATE,
        min_invisible_area: float = 0,
        format_only: bool = False,
        outfile_prefix: str | None = None,
        class_agnostic: bool = False,
        backend_args: dict | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
        collect_dir: str | None = None,
    ) -> None:
        super().__init__(collect_device, prefix, collect_dir)
        if format_only and outfile_prefix is None:
            raise ValueError('format_only=True writes a file: set outfile_prefix')
        if not 0 < occluded_rate <= 1:
            raise ValueError(f'occluded_rate must be in (0, 1], not {occluded_rate}')
        self.classwise = classwise
        self.proposal_nums = proposal_nums
        self.occluded_rate = occluded_rate
        self.min_invisible_area = min_invisible_area
        self.format_only = format_only
        self.outfile_prefix = outfile_prefix
        # Read at once: a bad file is to stop a training before its first epoch.
        self.ground_truth = load_ground_truth(ann_file, backend_args, class_agnostic)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep predictions with their masks as small run-length encodings.

        Args:
            data_batch: Not used.
            data_samples: Samples with ``img_id`` and ``pred_instances`` in a form that
                :func:`~oaformer.structures.as_amodal_instances` accepts.
        """
        self.results += [compact_prediction(sample) for sample in data_samples]

    def evaluate_results(self, results: Sequence[dict]) -> AmodalEvaluation:
        """Evaluate predictions and keep every detail.

        Args:
            results: Predictions kept by :meth:`process`, of all processes.

        Raises:
            ValueError: If predictions don't fit the annotation file.
        """
        return evaluate_amodal(
            self.ground_truth,
            results,
            self._classes,
            max_dets=self.proposal_nums,
            occluded_rate=self.occluded_rate,
            min_invisible_area=self.min_invisible_area,
        )

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Evaluate and log; the results by name, without prefix.

        Args:
            results: As for :meth:`evaluate_results`.

        Raises:
            ValueError: As there.
        """
        if self.outfile_prefix is not None:
            self._write(results)
        if self.format_only:
            return {}
        evaluation = self.evaluate_results(results)
        num_images = len(self.ground_truth.images)
        if evaluation.num_images < num_images:
            print_log(
                f'{evaluation.num_images} of the {num_images} images of '
                f'{self.ground_truth.name} were processed; the others are not '
                'evaluated',
                logger='current',
            )
        metrics = measurements(evaluation)
        print_log(f'\n{_text(evaluation, metrics)}', logger='current')
        values = {item.name: item.value for item in metrics if item.value is not None}
        if self.classwise:
            table = class_table(evaluation)
            print_log(f'\n{as_text(table)}\n{table.note}', logger='current')
            values |= {
                f'{name}_precision': precision
                for name, _, _, precision, *_ in table.rows
            }
        return values

    @property
    def _classes(self) -> Sequence[str] | None:
        """Names of the classes in the order of the labels; all of the file if None."""
        return (self.dataset_meta or {}).get('classes')

    def _write(self, results: Sequence[dict]) -> None:
        categories = self.ground_truth.categories(self._classes)
        detections = coco_detections(
            results, self.ground_truth, list(categories.values())
        )
        dump(coco_results(detections), f'{self.outfile_prefix}.segm.json')
        print_log(f'predictions: {self.outfile_prefix}.segm.json', logger='current')


def amodal_metric_of(cfg: Config) -> AmodalCocoMetric:
    """Build the metric of a config's test split, with the classes of its data.

    Raises:
        UsageError: If ``test_evaluator`` has no AmodalCocoMetric.
        ValueError: If the annotation file can't be used.
    """
    evaluators = cfg.get('test_evaluator') or []
    if not isinstance(evaluators, (list, tuple)):
        evaluators = [evaluators]
    for evaluator in evaluators:
        if evaluator.type in (AmodalCocoMetric.__name__, AmodalCocoMetric):
            metric = METRICS.build(evaluator)
            metric.dataset_meta = dict(classes=dataset_classes(cfg))
            return metric
    raise UsageError(
        f'{cfg.filename}: the numbers are those of AmodalCocoMetric, and '
        'test_evaluator has none'
    )


def _text(evaluation: AmodalEvaluation, metrics: Sequence[Measurement]) -> str:
    """Tables, and what is not measured with the reason."""
    num_objects = evaluation.masks['amodal'].count()
    lines = [as_text(table) for table in evaluation_tables(evaluation, metrics)]
    lines.append(
        f'{BEST_ENGINE}: {len(evaluation.matched.matches)} of {num_objects} '
        f'objects matched at IoU {MATCH_IOU}, images: {evaluation.num_images}'
    )
    if evaluation.rates_derived:
        lines.append('occlusion rates are derived from the predicted masks')
    lines += [
        f'not measured ({reason}): {names}' for reason, names in absent_metrics(metrics)
    ]
    return '\n'.join(lines)
