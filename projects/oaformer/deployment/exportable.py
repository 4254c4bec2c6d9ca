"""The part of a detector that goes into an ONNX file."""

import torch
from torch import Tensor, nn

INPUT_NAMES = ('inputs', 'img_shapes')


class ExportableDetector(nn.Module):
    """Plain images in, what the detector's postprocessor takes out; tensors only.

    Normalisation is inside, so that a runtime needs no mean and no standard deviation.

    Args:
        detector: The detector, in evaluation mode: one with ``forward_tensors``, such
            as :meth:`OAFormer.forward_tensors`, and ``postprocessor_config``.

    Raises:
        ValueError: If the detector has no such methods.
    """

    def __init__(self, detector: nn.Module) -> None:
        super().__init__()
        if not hasattr(detector, 'forward_tensors'):
            raise ValueError(
                f'{type(detector).__name__} cannot be exported: only detectors whose '
                'network is one function of tensors can, such as OAFormer; two-stage '
                'detectors select boxes in between'
            )
        self.detector = detector

    def forward(self, inputs: Tensor, img_shapes: Tensor) -> tuple[Tensor, ...]:
        """Run the network.

        Args:
            inputs: Images, BGR, uint8, (B, 3, H, W), each at the upper left of its
                plane; what is beside it does not count. H and W are multiples of the
                data preprocessor's ``pad_size_divisor``.
            img_shapes: Height and width of each image, int64, (B, 2).

        Returns:
            The values of the detector's ``forward_tensors``.
        """
        preprocessor = self.detector.data_preprocessor
        images = preprocessor(dict(inputs=inputs, data_samples=None))['inputs']
        height, width = (side[:, None, None, None] for side in img_shapes.unbind(1))
        rows = torch.arange(inputs.shape[-2], device=inputs.device)[:, None]
        columns = torch.arange(inputs.shape[-1], device=inputs.device)
        # (B, 1, H, W)
        inside = (rows < height) & (columns < width)
        # padded after normalising, as the preprocessor pads
        images = images.masked_fill(~inside, preprocessor.pad_value)
        return tuple(self.detector.forward_tensors(images).values())
