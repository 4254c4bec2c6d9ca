"""Interface of a model for the inferencer (PyTorch or ONNX)."""

from typing import Any, Protocol

from mmdet.structures import SampleList
from mmengine.config import Config, ConfigDict


class ModelError(ValueError):
    """Config, weights and device do not make a model."""


class Predictor(Protocol):
    """A detector, or a runtime with an exported one.

    Attributes:
        cfg: The config; its test data set's pipeline prepares the images.
        dataset_meta: ``classes``, the names of the classes; empty if unknown.
    """

    cfg: Config | ConfigDict
    dataset_meta: dict[str, Any]

    def test_step(self, data: dict) -> SampleList:
        """Predict the instances of a batch.

        Args:
            data: ``inputs``, images after the pipeline, uint8 BGR, (3, H, W) each and
                of any sizes, and ``data_samples`` with their sizes.

        Returns:
            The samples with ``pred_instances`` at the size of the original images,
            best score first, such that :func:`as_amodal_instances` takes them.
        """
        ...
