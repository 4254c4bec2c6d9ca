"""The part of a detector that goes into an ONNX file."""

import torch
from torch import Tensor, nn

from ..models.detectors import OAFormer
from ..models.heads import OAFormerOutput

INPUT_NAMES = ('inputs', 'img_shapes')


class ExportableOAFormer(nn.Module):
    """Plain images in, what :class:`AmodalFusionHead` takes out; tensors only.

    Normalisation is inside, so that whoever runs the file needs no mean and no standard
    deviation. Masks are not built: the fusion head takes mask embeddings and features,
    and builds the masks of those instances only that it chooses.

    Args:
        detector: The detector, in evaluation mode.
    """

    def __init__(self, detector: OAFormer) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, inputs: Tensor, img_shapes: Tensor) -> tuple[Tensor, ...]:
        """Predict the last stage of the head.

        Args:
            inputs: Images, BGR, uint8, (B, 3, H, W), each at the upper left of its
                plane; what is beside it does not count. H and W are multiples of the
                data preprocessor's ``pad_size_divisor``.
            img_shapes: Height and width of each image, int64, (B, 2).

        Returns:
            What :func:`named_tensors` names, in its order.
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
        features = self.detector.extract_feat(images)
        output = self.detector.panoptic_head.predict(features, None)
        return tuple(named_tensors(output).values())


def named_tensors(output: OAFormerOutput) -> dict[str, Tensor]:
    """The final prediction as tensors, under the names of :class:`OAFormerOutput`.

    Args:
        output: What a head predicts.

    Returns:
        A tensor for each field that is not empty: the last of a list.
    """
    return {
        name: value if isinstance(value, Tensor) else value[-1]
        for name, value in output.last_stage()._asdict().items()
        if len(value)
    }


def as_output(tensors: dict[str, Tensor]) -> OAFormerOutput:
    """The reverse of :func:`named_tensors`, for the fusion head."""
    lists = {
        name: [tensors[name]] if name in tensors else []
        for name in OAFormerOutput._fields
    }
    lists['mask_features'] = tensors['mask_features']
    return OAFormerOutput(**lists)
