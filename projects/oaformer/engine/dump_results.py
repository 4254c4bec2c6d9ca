"""Writing predictions to a file."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmdet.evaluation import DumpDetResults
from mmdet.registry import METRICS

from ..structures import RLE, encode_masks

MASK_KEYS = ('masks', 'visible_masks')


@METRICS.register_module()
class DumpAmodalResults(DumpDetResults):
    """Dump predictions to a pickle file, with run-length encoded masks.

    :class:`DumpDetResults` encodes amodal masks only, and takes nothing but tensors.
    Here visible masks are encoded as well, and masks that are encoded stay as they
    are. :func:`~.load_results.load_results` reads the file.

    Args:
        out_file_path (str): The file, ending in '.pkl' or '.pickle'.
        collect_device (str): 'cpu' or 'gpu'. Defaults to 'cpu'.
    """

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Take the predictions of a batch.

        Args:
            data_batch (Any): Unused, as in the base class.
            data_samples (Sequence[dict]): The predictions, one dict per image.
        """
        masks = [_encoded_masks(sample) for sample in data_samples]
        super().process(data_batch, [_without_masks(sample) for sample in data_samples])
        first = len(self.results) - len(masks)
        for result, encoded in zip(self.results[first:], masks, strict=True):
            if encoded:
                result['pred_instances'].update(encoded)


def _encoded_masks(sample: dict) -> dict[str, list[RLE]]:
    instances = sample.get('pred_instances', {})
    return {key: _encode(instances[key]) for key in MASK_KEYS if key in instances}


def _encode(masks: torch.Tensor | np.ndarray | list[RLE]) -> list[RLE]:
    if isinstance(masks, torch.Tensor):
        masks = masks.detach().cpu().numpy()
    return encode_masks(masks) if isinstance(masks, np.ndarray) else masks


def _without_masks(sample: dict) -> dict:
    if 'pred_instances' not in sample:
        return dict(sample)
    instances = {
        key: value
        for key, value in sample['pred_instances'].items()
        if key not in MASK_KEYS
    }
    return {**sample, 'pred_instances': instances}
