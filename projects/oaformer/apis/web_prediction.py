"""The web page's work on an image: read, predict, select, list."""

import html
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from PIL import Image

from ..visualization.colors import instance_color
from .amodal_inferencer import AmodalInferencer
from .inputs import InputError, read_image
from .occlusion_layers import occlusion_layers
from .results import prediction_to_dict

MAX_MEGAPIXELS = 50
"""Largest image: a small file may decode to gigabytes of pixels and masks."""

VIEWS = {
    'amodal and visible': ('masks', 'visible_masks'),
    'amodal': ('masks', None),
    'visible': ('visible_masks', None),
    'invisible': ('invisible_masks', None),
}
"""Views: the masks that are outlined, and those that are filled."""


class Prediction(NamedTuple):
    """An image and its prediction.

    Attributes:
        image: The image, BGR, uint8, (H, W, 3).
        data_sample: The prediction.
        content: The same as plain data, from :func:`prediction_to_dict`.
    """

    image: np.ndarray
    data_sample: DetDataSample
    content: dict[str, Any]


def predict_file(inferencer: AmodalInferencer, file: str) -> Prediction:
    """Read an uploaded file and predict its instances.

    Args:
        inferencer: The model.
        file: The file; messages and result name it without its folder.

    Returns:
        The prediction, all instances.

    Raises:
        InputError: If it is not an image, or has too many pixels.
    """
    image = read_upload(file)
    (sample,) = inferencer(image, return_datasamples=True)['predictions']
    sample.set_metainfo(dict(img_path=Path(file).name))
    return Prediction(image, sample, prediction_to_dict(sample, inferencer.classes))


def read_upload(file: str) -> np.ndarray:
    """Read an uploaded image, BGR, uint8, (H, W, 3).

    Raises:
        InputError: If it is not an image, or has too many pixels.
    """
    _check_size(file)
    try:
        return read_image(file)
    except InputError as error:
        raise InputError(str(error).replace(str(file), Path(file).name)) from error


def sample_for_view(prediction: Prediction, view: str) -> DetDataSample:
    """The instances, in the same order and so in the same colors, with masks of a view.

    Args:
        prediction: The prediction.
        view: One of :data:`VIEWS`.

    Returns:
        Sample with these masks in the places of those that are drawn.
    """
    outlined, filled = VIEWS[view]
    instances = prediction.data_sample.pred_instances
    shown = InstanceData(metainfo=instances.metainfo)
    for key in ('bboxes', 'labels', 'scores', 'occlusion_rates'):
        if key in instances:
            shown[key] = instances[key]
    shown.masks = prediction.content[outlined]
    if filled in prediction.content:
        shown.visible_masks = prediction.content[filled]
    return DetDataSample(pred_instances=shown)


def instance_table(
    prediction: Prediction, score_thr: float
) -> tuple[list[str], list[list]]:
    """List the instances that are drawn.

    Args:
        prediction: The prediction.
        score_thr: Lowest score of listed instances.

    Returns:
        Headers and rows, best score first. Occlusion rate and order are left out
        where nothing is predicted that gives them; 'order' is
        :func:`occlusion_layers` among the listed instances, 'color' an HTML swatch.
    """
    instances = prediction.data_sample.pred_instances
    shown = instances[instances.scores >= score_thr]
    swatch = '<span class="swatch" style="background: rgb({}, {}, {})"></span>'
    columns = {
        'color': [swatch.format(*instance_color(i)) for i in range(len(shown))],
        'class': prediction.content['label_names'][: len(shown)],
        'score': [f'{score:.2f}' for score in shown.scores.tolist()],
    }
    if 'occlusion_rates' in shown:
        rates = shown.occlusion_rates.tolist()
        derived = ' (derived)' if shown.occlusion_rates_derived else ''
        columns[f'occlusion rate{derived}'] = [f'{rate:.2f}' for rate in rates]
    order = occlusion_layers(shown)
    if order is not None:
        columns['order'] = order
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]


def paragraph(text: str, css_class: str = 'message') -> str:
    """HTML paragraph of a plain text."""
    return f'<p class="{css_class}">{html.escape(text)}</p>'


def _check_size(file: str) -> None:
    """Refuse by its header a file that is not an image, or one with too many pixels."""
    name = Path(file).name
    try:
        with Image.open(file) as image:
            too_large = image.width * image.height > MAX_MEGAPIXELS * 1e6
    except Image.DecompressionBombError:
        too_large = True
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(
            f'{name} is not an image, or its format is unknown. JPEG and PNG are known.'
        ) from error
    if too_large:
        raise InputError(
            f'{name} has more than {MAX_MEGAPIXELS} megapixels. Scale it down.'
        )
