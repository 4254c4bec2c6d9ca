"""Images of cases: the object's surroundings, ground truth beside prediction."""

import base64
from collections.abc import Mapping

import cv2
import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from ...structures import RLE, AmodalMasks, decode_masks, rle_bbox
from ..amodal_local_visualizer import MIN_DRAWN_SIDE, AmodalLocalVisualizer
from .cases import Case

# Share of the object's longer side that is shown around it, and the least to show.
CONTEXT = 0.3
MIN_WINDOW = 64
# Width of a finished drawing in pixels, both panels together.
MAX_DRAWN_WIDTH = 1000
JPEG_QUALITY = 82

# Left, top, right, bottom in pixels; right and bottom are outside.
Window = tuple[int, int, int, int]


def crop_window(masks: list[RLE]) -> Window:
    """Window inside the image, a square around masks if it has the room.

    At least one of the masks is not empty.
    """
    height, width = masks[0]['size']
    boxes = np.array([rle_bbox(mask) for mask in masks])
    boxes = boxes[boxes[:, 2] > 0]
    low = boxes[:, :2].min(0)
    high = (boxes[:, :2] + boxes[:, 2:]).max(0)
    side = max(float((high - low).max()) * (1 + 2 * CONTEXT), MIN_WINDOW)
    sizes = np.minimum(np.ceil(side), (width, height))
    corner = np.clip((low + high - sizes) / 2, 0, (width, height) - sizes).round()
    left, top = corner.astype(int).tolist()
    right, bottom = (corner + sizes).astype(int).tolist()
    return left, top, right, bottom


def draw_case(
    visualizer: AmodalLocalVisualizer,
    case: Case,
    labels: Mapping[int, int],
    image: np.ndarray | None,
) -> np.ndarray:
    """Draw an object, and beside it its detection.

    Args:
        visualizer: The visualiser; its ``dataset_meta`` holds the classes.
        case: The case.
        labels: Index of the class by category id.
        image: RGB, (H, W, 3); None draws on grey.

    Returns:
        Drawing, RGB, (h, w, 3), at most ``MAX_DRAWN_WIDTH`` wide.
    """
    items = [case.object] + ([] if case.detection is None else [case.detection])
    window = crop_window([item['segmentation'] for item in items])
    left, top, right, bottom = window
    if image is None:
        crop = np.full((bottom - top, right - left, 3), 128, np.uint8)
    else:
        crop = image[top:bottom, left:right]
    # The visualiser enlarges what is smaller.
    scale = min(1, MIN_DRAWN_SIDE / min(crop.shape[:2]))
    size = (round(crop.shape[1] * scale), round(crop.shape[0] * scale))
    crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    sample = DetDataSample(
        gt_instances=_ground_truth(case.object, labels, window, size),
        pred_instances=_prediction(case.detection, labels, window, size),
    )
    drawn = visualizer.draw_data_sample(crop, sample, pred_score_thr=0)
    if drawn.shape[1] > MAX_DRAWN_WIDTH:
        height = round(drawn.shape[0] * MAX_DRAWN_WIDTH / drawn.shape[1])
        size = (MAX_DRAWN_WIDTH, height)
        drawn = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA)
    return drawn


def jpeg_data_uri(image: np.ndarray) -> str:
    """Encode an RGB image, (H, W, 3), as part of the page itself."""
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    _, content = cv2.imencode('.jpg', image[..., ::-1], options)
    return 'data:image/jpeg;base64,' + base64.b64encode(content).decode()


def _ground_truth(
    item: dict, labels: Mapping[int, int], window: Window, size: tuple[int, int]
) -> InstanceData:
    masks = AmodalMasks(
        _crop(item['segmentation'], window, size),
        *reversed(size),
        visible=_crop(item['visible_mask'], window, size),
        occlusion_rates=[item['occlusion_rate']],
    )
    return InstanceData(labels=torch.tensor([labels[item['category_id']]]), masks=masks)


def _prediction(
    item: dict | None,
    labels: Mapping[int, int],
    window: Window,
    size: tuple[int, int],
) -> InstanceData:
    if item is None:
        return InstanceData(
            bboxes=torch.zeros(0, 4),
            labels=torch.zeros(0, dtype=torch.long),
            scores=torch.zeros(0),
            masks=[],
        )
    instances = InstanceData(
        # not drawn
        bboxes=torch.zeros(1, 4),
        labels=torch.tensor([labels[item['category_id']]]),
        scores=torch.tensor([item['score']]),
        masks=_crop(item['segmentation'], window, size),
    )
    if item['visible_mask'] is not None:
        instances.visible_masks = _crop(item['visible_mask'], window, size)
    if item['occlusion_rate'] is not None:
        instances.occlusion_rates = torch.tensor([item['occlusion_rate']])
    return instances


def _crop(mask: RLE, window: Window, size: tuple[int, int]) -> np.ndarray:
    """The mask inside a window at another size (width, height), uint8, (1, h, w)."""
    left, top, right, bottom = window
    pixels = decode_masks([mask])[0, top:bottom, left:right]
    pixels = np.ascontiguousarray(pixels)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_NEAREST)[None]
