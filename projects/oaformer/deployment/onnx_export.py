"""From a detector to an ONNX file."""

import copy
import json
import warnings
from collections.abc import Mapping
from pathlib import Path

import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from .exportable import (
    INPUT_NAMES,
    ExportableDetector,
    embedded_config,
    replace_group_norms,
)


def export_onnx(
    detector: nn.Module,
    file: str | Path,
    size: tuple[int, int],
    batch_size: int | None = 1,
    opset: int = 17,
    dataset_meta: Mapping | None = None,
) -> None:
    """Write a detector as an ONNX file with all that its use needs.

    Its inputs and outputs are those of :class:`ExportableDetector`. Its metadata are
    ``config``, text of :func:`embedded_config`, and ``dataset_meta``, JSON with the
    names of the ``classes``.

    Args:
        detector: The detector with its config as ``cfg``, on the CPU and in
            evaluation mode.
        file: Where to write.
        size: Height and width of the images it takes.
        batch_size: How many images it takes at a time; None for any number.
        opset: Version of ONNX's operators, at least 16.
        dataset_meta: Names of the ``classes``, if known.

    Raises:
        ValueError: If the detector cannot be exported, or size or opset are not
            possible.
    """
    exportable = ExportableDetector(copy.deepcopy(detector)).eval()
    divisor = detector.data_preprocessor.pad_size_divisor
    if any(side <= 0 or side % divisor for side in size):
        raise ValueError(
            f'height and width must be multiples of {divisor}, the pad_size_divisor '
            f'of the data preprocessor, not {size[0]} x {size[1]}'
        )
    if opset < 16:
        raise ValueError(
            f'the opset must be at least 16, the first with GridSample, not {opset}'
        )
    if batch_size is not None and batch_size < 1:
        raise ValueError(f'the batch size must be at least 1, not {batch_size}')
    config = embedded_config(detector)
    replace_group_norms(exportable)
    # with one image a traced batch could not be told from other ones
    inputs = example_inputs(2 if batch_size is None else batch_size, size)
    with torch.no_grad():
        output_names = list(detector.forward_tensors(torch.zeros(1, 3, *size)))
    names = [*INPUT_NAMES, *output_names]
    with warnings.catch_warnings():
        # sizes become constants, as they should
        warnings.simplefilter('ignore', torch.jit.TracerWarning)
        warnings.simplefilter('ignore', DeprecationWarning)
        warnings.filterwarnings('ignore', 'Constant folding', UserWarning)
        torch.onnx.export(
            exportable,
            inputs,
            str(file),
            input_names=list(INPUT_NAMES),
            output_names=output_names,
            opset_version=opset,
            dynamic_axes=None if batch_size else {name: {0: 'batch'} for name in names},
            # the newer exporter stops at sizes that are read out of tensors
            dynamo=False,
        )
    model = onnx.load(str(file))
    metadata = dict(
        config=config.pretty_text,
        dataset_meta=json.dumps(dict(dataset_meta or {})),
    )
    onnx.helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))


def example_inputs(
    batch_size: int, size: tuple[int, int], seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Random images, uint8, (B, 3, H, W), and their sizes, int64, (B, 2)."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randint(
        0, 256, (batch_size, 3, *size), dtype=torch.uint8, generator=generator
    )
    shares = torch.rand(batch_size, 2, generator=generator) / 2 + 0.5
    return inputs, (torch.tensor(size) * shares).long().clamp(min=1)


def largest_differences(detector: nn.Module, file: str | Path) -> dict[str, float]:
    """Compare an exported model in ONNX Runtime with PyTorch, on random images.

    Args:
        detector: The detector that was exported.
        file: The file.

    Returns:
        Largest absolute difference of each output.
    """
    session = onnxruntime.InferenceSession(
        str(file), providers=['CPUExecutionProvider']
    )
    batch_size, _, *size = session.get_inputs()[0].shape
    inputs = example_inputs(batch_size if isinstance(batch_size, int) else 2, size)
    feed = {
        name: tensor.numpy() for name, tensor in zip(INPUT_NAMES, inputs, strict=True)
    }
    with torch.no_grad():
        expected = ExportableDetector(detector)(*inputs)
    outputs = zip(session.get_outputs(), session.run(None, feed), expected, strict=True)
    return {
        output.name: float((torch.from_numpy(result) - tensor).abs().max())
        for output, result, tensor in outputs
    }
