"""Writing predictions to a file."""

from collections.abc import Sequence
from typing import Any

from mmdet.evaluation import DumpDetResults
from mmdet.registry import METRICS


@METRICS.register_module()
class DumpAmodalResults(DumpDetResults):
    """Dump predictions to a pickle file, whether or not their masks are encoded.

    :class:`DumpDetResults` encodes masks itself and takes nothing but tensors.
    A detector that hands run-length encoded masks on keeps them as they are here.

    Args:
        out_file_path (str): The file, ending in '.pkl' or '.pickle'.
        collect_device (str): 'cpu' or 'gpu'. Defaults to 'cpu'.
    """

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take the predictions of a batch.

        Args:
            data_batch (Any): Unused, as in the base class.
            data_samples (Sequence[dict]): The predictions, one dict per picture.
        """
        encoded = [
            sample.get('pred_instances', {}).get('masks') for sample in data_samples
        ]
        encoded = [masks if isinstance(masks, list) else None for masks in encoded]
        super().process(
            data_batch,
            [
                sample if masks is None else _without_masks(sample)
                for sample, masks in zip(data_samples, encoded, strict=True)
            ],
        )
        first = len(self.results) - len(encoded)
        for result, masks in zip(self.results[first:], encoded, strict=True):
            if masks is not None:
                result['pred_instances']['masks'] = masks


def _without_masks(sample: dict) -> dict:
    instances = {
        key: value for key, value in sample['pred_instances'].items() if key != 'masks'
    }
    return {**sample, 'pred_instances': instances}
