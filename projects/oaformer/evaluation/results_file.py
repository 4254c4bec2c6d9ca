"""The file of predictions: written as data, and read without running code in it."""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmdet.registry import METRICS
from mmengine.evaluator import DumpResults

from ..engine.data_unpickler import load_pickle
from ..structures import as_amodal_instances
from .predictions import PredictionError

GROUND_TRUTH = ('gt_instances', 'ignored_instances', 'gt_panoptic_seg')


class UnsafeResultsError(pickle.UnpicklingError):
    """A file of predictions holds more than data, and the user does not trust it."""


@METRICS.register_module()
class DumpAmodalResults(DumpResults):
    """Dump predictions to a pickle file, masks as RLEs.

    ``pred_instances`` are written in the form of
    :func:`~oaformer.structures.as_amodal_instances`, with the mark
    ``occlusion_rates_derived``. :func:`load_results` reads the file.

    Args:
        out_file_path (str): The file, ending in '.pkl' or '.pickle'.
        collect_device (str): 'cpu' or 'gpu'. Defaults to 'cpu'.
    """

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the predictions of a batch.

        Args:
            data_batch (Any): Unused, as in the base class.
            data_samples (Sequence[dict]): The predictions, one dict per image.
        """
        samples = []
        for sample in data_samples:
            instances = as_amodal_instances(sample['pred_instances'])
            kept = {key: sample[key] for key in sample if key not in GROUND_TRUTH}
            samples.append(kept | dict(pred_instances=instances.to_dict()))
        super().process(data_batch, samples)


def load_results(file: str | Path) -> list[dict]:
    """Load predictions, as ``tools/test.py --out`` writes them.

    A pickle file can run any code while it is read. Predictions need a handful of
    functions that build tensors, arrays and containers; a file that names anything else
    is refused, unless the user trusts it as a checkpoint is trusted, by setting
    ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1``.

    Args:
        file (str | Path): The file's path.

    Returns:
        list[dict]: One dict per image with ``img_id`` and ``pred_instances``, these in
            the form of :func:`~oaformer.structures.as_amodal_instances`.

    Raises:
        FileNotFoundError: If the file is missing.
        UnsafeResultsError: If the file names what predictions do not need.
        RuntimeError: If the file is damaged or is not a pickle file.
        PredictionError: If it holds something else than predictions.
    """
    if not Path(file).exists():
        raise FileNotFoundError(
            f'There are no predictions {file}: tools/test.py --out writes them'
        )
    results = load_pickle(file, UnsafeResultsError)
    if not isinstance(results, list) or not all(map(_is_prediction, results)):
        raise PredictionError(
            f'{file} does not hold predictions: it must be a list of dicts with '
            '"img_id" and "pred_instances", as tools/test.py --out writes it'
        )
    loaded = []
    for result in results:
        try:
            instances = as_amodal_instances(result['pred_instances'])
        except ValueError as error:
            raise PredictionError(
                f'{file}: image {result["img_id"]}: {error}'
            ) from error
        loaded.append(result | dict(pred_instances=instances))
    return loaded


def _is_prediction(result: Any) -> bool:
    return isinstance(result, dict) and {'img_id', 'pred_instances'} <= result.keys()
