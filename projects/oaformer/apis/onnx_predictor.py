"""ONNX Runtime in the detector's place."""

import json
from pathlib import Path
from typing import Any

import mmcv
import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample, SampleList
from mmengine.config import Config
from torch import Tensor

from ..deployment import INPUT_NAMES
from ..engine.safe_config import parse_config
from .predictor import ModelError


class OnnxPredictor:
    """A model exported by ``tools/deployment/export_onnx.py``.

    An image that the test pipeline leaves too large for the file is made smaller, and
    all are padded. The step from tensors to instances is the detector's own, as in
    PyTorch.

    Args:
        file: The .onnx file.
        device: 'cpu' or such as 'cuda:0', which needs onnxruntime-gpu.

    Attributes:
        cfg: Test pipeline, postprocessor and visualiser, from the file.
        dataset_meta: ``classes``, from the file; empty if unknown.
        size: Height and width that the file takes.
        batch_size: How many images it takes at a time; None for any number.

    Raises:
        FileNotFoundError: If the file does not exist.
        ModelError: If it can't be read, has another origin or can't run on the device.
    """

    def __init__(self, file: str, device: str = 'cpu') -> None:
        if not Path(file).is_file():
            raise FileNotFoundError(f'{file} not found')
        self._session = _session(file, device)
        metadata = self._session.get_modelmeta().custom_metadata_map
        if 'config' not in metadata:
            raise ModelError(
                f'{file} has no config inside: only files written by '
                'tools/deployment/export_onnx.py have one'
            )
        try:
            self.cfg: Config = parse_config(metadata['config'], file)
            self.dataset_meta: dict[str, Any] = json.loads(metadata['dataset_meta'])
            (postprocessor,) = self.cfg.model.values()
            self._postprocessor = MODELS.build(postprocessor)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ModelError(f'{file} has no valid config inside: {error}') from error
        batch_size, _, *size = self._session.get_inputs()[0].shape
        self.batch_size = batch_size if isinstance(batch_size, int) else None
        self.size: tuple[int, int] = tuple(size)

    def test_step(self, data: dict) -> SampleList:
        """Predict the instances of any number of images; see :class:`Predictor`."""
        images, samples = data['inputs'], data['data_samples']
        step = self.batch_size or len(samples)
        for start in range(0, len(samples), step):
            chunk = slice(start, start + step)
            self._predict(images[chunk], samples[chunk])
        return samples

    @torch.no_grad()
    def _predict(self, images: list[Tensor], samples: list[DetDataSample]) -> None:
        num_planes = self.batch_size or len(samples)
        inputs = np.zeros((num_planes, 3, *self.size), dtype=np.uint8)
        img_shapes = np.ones((num_planes, 2), dtype=np.int64)
        for index, (image, sample) in enumerate(zip(images, samples, strict=True)):
            fitted = self._fitted(image)
            height, width = fitted.shape[1:]
            inputs[index, :, :height, :width] = fitted
            img_shapes[index] = height, width
            original = sample.ori_shape
            sample.set_metainfo(
                dict(
                    batch_input_shape=self.size,
                    img_shape=(height, width),
                    scale_factor=(width / original[1], height / original[0]),
                )
            )
        names = [output.name for output in self._session.get_outputs()]
        feed = dict(zip(INPUT_NAMES, (inputs, img_shapes), strict=True))
        outputs = map(torch.from_numpy, self._session.run(names, feed))
        tensors = dict(zip(names, outputs, strict=True))
        results = self._postprocessor.predict(tensors, samples)
        for sample, instances in zip(samples, results, strict=True):
            sample.pred_instances = instances

    def _fitted(self, image: Tensor) -> np.ndarray:
        """An image, (3, h, w), made smaller where it does not fit."""
        height, width = image.shape[1:]
        scale = min(self.size[0] / height, self.size[1] / width, 1)
        if scale == 1:
            return image.numpy()
        resized = np.ascontiguousarray(image.permute(1, 2, 0).numpy())
        return mmcv.imrescale(resized, scale).transpose(2, 0, 1)


def _session(file: str, device: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise ModelError(
            f'{file} needs ONNX Runtime: pip install onnxruntime (onnxruntime-gpu for '
            'a GPU)'
        ) from error
    kind, _, index = device.partition(':')
    provider = dict(cpu='CPUExecutionProvider', cuda='CUDAExecutionProvider').get(kind)
    if provider not in onnxruntime.get_available_providers():
        raise ModelError(
            f'ONNX Runtime does not run on {device!r} here; it has '
            f'{onnxruntime.get_available_providers()}. For a GPU, onnxruntime-gpu '
            "takes onnxruntime's place; without one, choose the device 'cpu'"
        )
    options = dict(device_id=int(index or 0)) if kind == 'cuda' else {}
    try:
        return onnxruntime.InferenceSession(file, providers=[(provider, options)])
    except Exception as error:  # its exceptions have no common type
        raise ModelError(f'ONNX Runtime could not read {file}: {error}') from error
