"""The visualiser: amodal outline, visible fill, class, score and occlusion rate."""

from collections.abc import Sequence

import cv2
import mmcv
import numpy as np
import pycocotools.mask as mask_util
from mmdet.registry import VISUALIZERS
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer
from mmengine.dist import master_only
from mmengine.structures import InstanceData

from ..structures import RLE, as_amodal_instances, decode_masks, encode_masks
from . import drawing
from .colors import colors_like, instance_color

# Images smaller than this are enlarged: no label can be read on 128 pixels.
MIN_DRAWN_SIDE = 480


@VISUALIZERS.register_module()
class AmodalLocalVisualizer(DetLocalVisualizer):
    """Draw amodal instances, ground truth on the left and prediction on the right.

    Every instance has one color, and a prediction that of the object it overlaps by
    half. Its amodal outline is solid where the instance is visible and dashed where it
    is hidden; its visible part is filled. A prediction without ``visible_masks`` has a
    lighter fill over its amodal mask and a solid outline. The label reads 'class score
    | occ 37%', where 37 % is the occlusion rate; the title says if it is derived from
    the masks. Small images are enlarged by a whole factor, so that labels stay
    readable.

    Args:
        name: This and what is not named here as in MMEngine's ``Visualizer``.
        line_width: Width of outlines in pixels; by the image's size if None.
        alpha: Share of the color in the fill of visible parts, in [0, 1].
    """

    def __init__(
        self,
        name: str = 'visualizer',
        *args,
        line_width: int | None = None,
        alpha: float = 0.5,
        **kwargs,
    ) -> None:
        super().__init__(name, *args, line_width=line_width, alpha=alpha, **kwargs)

    @master_only
    def add_datasample(
        self,
        name: str,
        image: np.ndarray,
        data_sample: DetDataSample | None = None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        show: bool = False,
        wait_time: float = 0,
        out_file: str | None = None,
        pred_score_thr: float = 0.3,
        step: int = 0,
    ) -> None:
        """Draw a data sample, and show it, save it or pass it to the backends.

        Ground truth is left out where none was loaded.

        Args:
            name: Identifier of the image.
            image: Image, RGB, (H, W, 3).
            data_sample: Sample with ``gt_instances``, ``pred_instances`` or both.
            draw_gt: Whether to draw the ground truth.
            draw_pred: Whether to draw the prediction.
            show: Whether to show the drawing in a window.
            wait_time: Seconds until the window closes; 0 waits for a key.
            out_file: File to save the drawing to; the backends get it if None.
            pred_score_thr: Lowest score of drawn predictions.
            step: Step for the backends.

        Raises:
            ValueError: If masks and image differ in size.
        """
        drawn = self.draw_data_sample(
            image, data_sample, draw_gt, draw_pred, pred_score_thr
        )
        self.set_image(drawn)
        if show:
            self.show(drawn, win_name=name, wait_time=wait_time)
        if out_file is not None:
            mmcv.imwrite(drawn[..., ::-1], out_file)
        elif not show:
            self.add_image(name, drawn, step)

    def draw_data_sample(
        self,
        image: np.ndarray,
        data_sample: DetDataSample | None,
        draw_gt: bool = True,
        draw_pred: bool = True,
        pred_score_thr: float = 0.3,
    ) -> np.ndarray:
        """Draw a data sample, and keep nothing.

        Args:
            image: Image, RGB, (H, W, 3).
            data_sample: As in :meth:`add_datasample`, like the other arguments.
            draw_gt: Whether to draw the ground truth.
            draw_pred: Whether to draw the prediction.
            pred_score_thr: Lowest score of drawn predictions.

        Returns:
            The drawing, RGB, uint8, (h, w, 3).

        Raises:
            ValueError: If masks and image differ in size.
        """
        image = np.clip(image, 0, 255).astype(np.uint8)
        sample = DetDataSample() if data_sample is None else data_sample
        ground_truth = _annotated(sample.get('gt_instances')) if draw_gt else None
        prediction = sample.get('pred_instances') if draw_pred else None
        panels = []
        if ground_truth is not None:
            colors = range(len(ground_truth))
            panels.append(self._draw_panel(image, ground_truth, 'ground truth', colors))
        if prediction is not None:
            prediction = prediction[prediction.scores >= pred_score_thr]
            prediction = prediction[prediction.scores.argsort(descending=True)]
            prediction = as_amodal_instances(prediction)
            colors = _prediction_colors(prediction, ground_truth)
            panels.append(self._draw_panel(image, prediction, 'prediction', colors))
        return _side_by_side(panels) if panels else image

    def _draw_panel(
        self,
        image: np.ndarray,
        instances: InstanceData,
        title: str,
        colors: Sequence[int],
    ) -> np.ndarray:
        """One image with its instances and a header, RGB, (h, w, 3)."""
        factor = max(1, -(-MIN_DRAWN_SIDE // min(image.shape[:2])))
        drawn = self._instances(instances, title, image.shape[:2], factor, colors)
        # Small instances are drawn last, for a large one may cover them.
        by_area = sorted(drawn, key=lambda item: item.amodal.sum(), reverse=True)
        size = (image.shape[1] * factor, image.shape[0] * factor)
        panel = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        side = min(size)
        for instance in by_area:
            drawing.draw_fill(panel, instance, self.alpha)
        for instance in by_area:
            width = self.line_width or max(2, round(side / 400))
            drawing.draw_outline(panel, instance, width)
        text_height = max(11, round(side / 52))
        drawing.draw_labels(panel, by_area, text_height)
        title = f'{title} ({len(instances)})'
        if instances.get('occlusion_rates_derived'):
            title += ', occ derived from masks'
        return drawing.add_header(panel, title, text_height)

    def _instances(
        self,
        instances: InstanceData,
        title: str,
        image_size: tuple[int, int],
        factor: int,
        colors: Sequence[int],
    ) -> list[drawing.DrawnInstance]:
        """Crops, colors and labels of what has pixels, enlarged by ``factor``."""
        _check_size(instances, image_size, title)
        # One mask at a time: a hundred at full size would fill a gigabyte.
        visible_masks = instances.get('visible_masks')
        drawn = []
        for index in range(len(instances)):
            mask = _decode(instances.masks[index])
            left, top, width, height = cv2.boundingRect(mask)
            if width == 0:
                continue
            crop = np.s_[top : top + height, left : left + width]
            visible = None
            if visible_masks is not None:
                visible = _enlarge(_decode(visible_masks[index])[crop], factor)
            drawn.append(
                drawing.DrawnInstance(
                    amodal=_enlarge(mask[crop], factor),
                    visible=visible,
                    corner=(left * factor, top * factor),
                    color=instance_color(colors[index]),
                    text=self._label(instances, index),
                )
            )
        return drawn

    def _label(self, instances: InstanceData, index: int) -> str:
        """'class score | occ 37%', without what the instances do not have."""
        label = int(instances.labels[index])
        classes = (self.dataset_meta or {}).get('classes') or ()
        text = classes[label] if label < len(classes) else f'class {label}'
        if 'scores' in instances:
            text += f' {float(instances.scores[index]):.2f}'
        if 'occlusion_rates' in instances:
            text += f' | occ {float(instances.occlusion_rates[index]):.0%}'
        return text


def _prediction_colors(
    prediction: InstanceData, ground_truth: InstanceData | None
) -> Sequence[int]:
    """Color of each prediction: that of the object it overlaps, if one is drawn."""
    if ground_truth is None or not len(prediction) or not len(ground_truth):
        return range(len(prediction))
    is_crowd = [0] * len(ground_truth)
    return colors_like(mask_util.iou(prediction.masks, ground_truth.masks, is_crowd))


def _annotated(instances: InstanceData | None) -> InstanceData | None:
    """Ground truth in the form of predictions; None where none was loaded."""
    # Without loaded annotations an empty panel would claim an empty image.
    if instances is None or 'labels' not in instances:
        return None
    carrier = instances.masks
    fields = dict(labels=instances.labels, masks=encode_masks(carrier.masks))
    # an AmodalMasks, or BitmapMasks without these
    if hasattr(carrier, 'visible'):
        fields['visible_masks'] = encode_masks(carrier.visible)
        fields['occlusion_rates'] = carrier.occlusion_rates
    return InstanceData(**fields)


def _check_size(instances: InstanceData, size: tuple[int, int], title: str) -> None:
    for mask in instances.masks:
        height, width = mask['size']
        if (height, width) != tuple(size):
            raise ValueError(
                f'{title}: a mask has {height} rows and {width} columns but the image '
                f'{size[0]} and {size[1]}. In a test pipeline, load the annotations '
                'after Resize: they then keep the size of the image on disk, which is '
                'drawn'
            )


def _decode(mask: RLE) -> np.ndarray:
    """Mask as uint8, (H, W)."""
    return np.ascontiguousarray(decode_masks([mask])[0])


def _enlarge(mask: np.ndarray, factor: int) -> np.ndarray:
    """Mask at ``factor`` times the size, its stairs made smooth."""
    size = (mask.shape[1] * factor, mask.shape[0] * factor)
    smooth = cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_LINEAR)
    return (smooth > 127).astype(np.uint8)


def _side_by_side(panels: Sequence[np.ndarray]) -> np.ndarray:
    """Panels from left to right with a narrow gap between them."""
    gap = np.full((panels[0].shape[0], 4, 3), 255, np.uint8)
    row = [image for panel in panels for image in (gap, panel)]
    return np.concatenate(row[1:], axis=1)
