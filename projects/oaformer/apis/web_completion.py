"""The web page's completion: a click, a box or a mask file to a completed instance."""

from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from pycocotools import mask as mask_util

from .amodal_inferencer import AmodalInferencer
from .known_objects import KnownObjects
from .results import prediction_to_dict
from .web_prediction import Prediction, read_upload


def image_point(
    click: tuple[int, int], drawn_size: tuple[int, int], prediction: Prediction
) -> tuple[int, int]:
    """The pixel of the image under a click on its drawing.

    Args:
        click: x and y in the drawing.
        drawn_size: Width and height of the drawing: the image, enlarged by a whole
            factor, below a header.
        prediction: The drawn image.

    Returns:
        x and y in the image; a click on the header is one on the highest row.
    """
    height, width = prediction.image.shape[:2]
    factor = drawn_size[0] // width
    header = drawn_size[1] - factor * height
    return click[0] // factor, max(click[1] - header, 0) // factor


def instance_at(
    prediction: Prediction, point: tuple[int, int], score_thr: float
) -> int | None:
    """The drawn instance whose amodal mask is under a pixel, the smallest of several.

    Args:
        prediction: The prediction.
        point: x and y of the pixel.
        score_thr: Lowest score of drawn instances.

    Returns:
        Its index; None where there is none.
    """
    found = [
        (mask_util.area(mask), index)
        for index, (mask, score) in enumerate(
            zip(prediction.content['masks'], prediction.content['scores'], strict=True)
        )
        if score >= score_thr and mask_util.decode(mask)[point[1], point[0]]
    ]
    return min(found)[1] if found else None


def what_is_seen(prediction: Prediction, index: int) -> KnownObjects:
    """What is seen of an instance: its visible mask or, without one, its box."""
    content = prediction.content
    if 'visible_masks' in content:
        return KnownObjects(visible_masks=[content['visible_masks'][index]])
    return KnownObjects(boxes=[content['bboxes'][index]])


def box_between(first: tuple[int, int], second: tuple[int, int]) -> KnownObjects:
    """The box of which two pixels are opposite corners, both inside."""
    (left, right), (top, bottom) = map(sorted, zip(first, second, strict=True))
    return KnownObjects(boxes=[[left, top, right + 1, bottom + 1]])


def mask_from_file(file: str) -> KnownObjects:
    """The visible mask in an uploaded file: an image that is not black there.

    Raises:
        InputError: If it is not an image, or has too many pixels.
    """
    return KnownObjects(visible_masks=[read_upload(file).any(axis=2)])


def complete_object(
    inferencer: AmodalInferencer,
    prediction: Prediction,
    known: KnownObjects,
    label: str | None = None,
    replaced: int | None = None,
) -> tuple[Prediction, int]:
    """Complete an object, and put it among the instances of its image.

    Args:
        inferencer: The model, trained with prompts.
        prediction: The image and its instances.
        known: What is known of the object, without its class.
        label: Its class; None to have it predicted.
        replaced: Index of the instance whose place it takes.

    Returns:
        The instances, best score first, and the index of the object.

    Raises:
        InputError: If the object can't be used.
    """
    (sample,) = inferencer.complete(
        prediction.image,
        **known._replace(labels=[label])._asdict(),
        return_datasamples=True,
    )['predictions']
    instances = prediction.data_sample.pred_instances
    kept = [index for index in range(len(instances)) if index != replaced]
    merged = InstanceData.cat([instances[kept], sample.pred_instances])
    order = merged.scores.argsort(descending=True, stable=True)
    result = DetDataSample(
        metainfo=prediction.data_sample.metainfo, pred_instances=merged[order]
    )
    content = prediction_to_dict(result, inferencer.classes)
    place = order.tolist().index(len(merged) - 1)
    return Prediction(prediction.image, result, content), place


def describe_instance(prediction: Prediction, index: int) -> str:
    """Class, score and occlusion rate of an instance as a text."""
    content = prediction.content
    text = f'{content["label_names"][index]} {content["scores"][index]:.2f}'
    if 'occlusion_rates' in content:
        text += f', occlusion rate {content["occlusion_rates"][index]:.2f}'
    return text
