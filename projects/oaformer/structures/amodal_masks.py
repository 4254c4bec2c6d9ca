"""The data carrier: amodal masks, visible masks and occlusion rates together."""

from collections.abc import Callable, Sequence

import cv2
import mmcv
import numpy as np
from mmdet.structures.bbox import BaseBoxes, HorizontalBoxes, get_box_type
from mmdet.structures.mask import BitmapMasks

from .mask_stack import MaskStack, resize_indices
from .rle import RLE


class AmodalMasks(BitmapMasks):
    """Amodal masks, visible masks and occlusion rates of N instances.

    Stored under ``results['gt_masks']`` and ``gt_instances.masks``, the only mask
    fields that MMDetection's transforms, filters and padding know: they move all
    three together. Where MMDetection reads ``masks`` it gets the amodal ones.

    Resize (nearest), flip, crop and pad are recorded and carried out in one step
    when pixels are read. The returned arrays may share memory with other
    carriers: never write into them.

    Args:
        masks: Amodal masks, uint8 bitmaps of shape (N, H, W) or N RLEs.
        height: H in pixels.
        width: W in pixels.
        visible: Visible masks in either form; None where nothing is occluded.
        occlusion_rates: Invisible area / amodal area of each whole object, in
            [0, 1], shape (N,). Computed from the masks where None.

    Raises:
        ValueError: If the fields differ in length or size.
    """

    def __init__(
        self,
        masks: np.ndarray | Sequence[RLE],
        height: int,
        width: int,
        visible: np.ndarray | Sequence[RLE] | None = None,
        occlusion_rates: Sequence[float] | np.ndarray | None = None,
    ) -> None:
        self.height, self.width = height, width
        self._amodal = _stack(masks, height, width)
        self._visible = None if visible is None else _stack(visible, height, width)
        if self._visible is not None and len(self._visible) != len(self._amodal):
            raise ValueError(
                f'{len(self._amodal)} amodal masks, {len(self._visible)} visible ones'
            )
        if occlusion_rates is None:
            occlusion_rates = self.recomputed_occlusion_rates()
        self.occlusion_rates = self._checked_rates(occlusion_rates)

    @property
    def masks(self) -> np.ndarray:
        """Amodal masks, uint8, shape (N, height, width)."""
        return self._amodal.pixels

    def build(self, visible: bool = False) -> None:
        """Build the pixels now rather than at their first use.

        Args:
            visible: Whether to build the visible masks as well as the amodal ones.
        """
        self._amodal.build()
        if visible and self._visible is not None:
            self._visible.build()

    @property
    def visible(self) -> np.ndarray:
        """Visible masks, uint8, shape (N, height, width)."""
        return self.masks if self._visible is None else self._visible.pixels

    def recomputed_occlusion_rates(self) -> np.ndarray:
        """1 - visible / amodal area as the masks are now.

        Differs from :attr:`occlusion_rates`, the rate of the whole object, where a
        crop has cut the object. An instance with no pixel left has rate 0.

        Returns:
            float32 rates in [0, 1], shape (N,).
        """
        if self._visible is None:
            return np.zeros(len(self), dtype=np.float32)
        amodal, visible = mask_areas(self.masks), mask_areas(self.visible & self.masks)
        return (1 - visible / np.maximum(amodal, 1)).astype(np.float32) * (amodal > 0)

    def with_occlusion_rates(
        self, occlusion_rates: Sequence[float] | np.ndarray
    ) -> 'AmodalMasks':
        """The same masks with other occlusion rates in [0, 1], shape (N,).

        Raises:
            ValueError: If their number differs from that of the masks.
        """
        rates = self._checked_rates(occlusion_rates)
        return self._like(self._amodal, self._visible, rates)

    def __len__(self) -> int:
        return len(self._amodal)

    def __getitem__(self, index: object) -> 'AmodalMasks':
        """Choose instances by anything that indexes an array."""
        indices = np.atleast_1d(np.arange(len(self))[index])
        visible = None if self._visible is None else self._visible.take(indices)
        return self._like(
            self._amodal.take(indices), visible, self.occlusion_rates[indices]
        )

    @property
    def areas(self) -> np.ndarray:
        """Amodal areas in pixels, shape (N,)."""
        return mask_areas(self.masks)

    def get_bboxes(self, dst_type: str | type = 'hbox') -> BaseBoxes:
        """Tightest boxes around the amodal masks, zeros for an empty one.

        Args:
            dst_type: Box type, as in MMDetection.
        """
        _, box_type = get_box_type(dst_type)
        if box_type is not HorizontalBoxes:
            return super().get_bboxes(dst_type)
        boxes = np.array([cv2.boundingRect(mask) for mask in self.masks])
        boxes = boxes.reshape(-1, 4).astype(np.float32)
        boxes[:, 2:] += boxes[:, :2]
        return HorizontalBoxes(boxes)

    def rescale(
        self, scale: float | tuple[int, int], interpolation: str = 'nearest'
    ) -> 'AmodalMasks':
        """Resize to the largest size that fits ``scale``, keeping the ratio."""
        new_width, new_height = mmcv.rescale_size((self.width, self.height), scale)
        return self.resize((new_height, new_width), interpolation)

    def resize(
        self, out_shape: tuple[int, int], interpolation: str = 'nearest'
    ) -> 'AmodalMasks':
        """Resize to ``out_shape`` = (height, width)."""
        if interpolation != 'nearest':
            return self._each(lambda masks: masks.resize(out_shape, interpolation))
        height, width = out_shape
        return self._remap(
            resize_indices(self.height, height), resize_indices(self.width, width)
        )

    def flip(self, flip_direction: str = 'horizontal') -> 'AmodalMasks':
        """Flip along ``flip_direction``: horizontal, vertical or diagonal."""
        if flip_direction not in ('horizontal', 'vertical', 'diagonal'):
            raise ValueError(f'unknown flip direction {flip_direction!r}')
        rows, columns = np.arange(self.height), np.arange(self.width)
        if flip_direction != 'horizontal':
            rows = rows[::-1]
        if flip_direction != 'vertical':
            columns = columns[::-1]
        return self._remap(rows, columns)

    def pad(self, out_shape: tuple[int, int], pad_val: int = 0) -> 'AmodalMasks':
        """Pad at the right and the bottom to ``out_shape`` = (height, width)."""
        if pad_val != 0:
            raise ValueError('outside the image a mask is 0; set mask_pad_value=0')
        if out_shape[0] < self.height or out_shape[1] < self.width:
            raise ValueError(
                f'cannot pad {self.height} x {self.width} to the smaller '
                f'{out_shape[0]} x {out_shape[1]}'
            )
        return self.expand(*out_shape, 0, 0)

    def crop(self, bbox: np.ndarray) -> 'AmodalMasks':
        """Cut out ``bbox`` = (x1, y1, x2, y2), at least one pixel either way."""
        x1, x2 = np.clip(bbox[0::2], 0, self.width).astype(int)
        y1, y2 = np.clip(bbox[1::2], 0, self.height).astype(int)
        rows = np.arange(self.height)[y1 : max(y2, y1 + 1)]
        columns = np.arange(self.width)[x1 : max(x2, x1 + 1)]
        return self._remap(rows, columns)

    def expand(
        self, expanded_h: int, expanded_w: int, top: int, left: int
    ) -> 'AmodalMasks':
        """Put the masks at (top, left) of an empty canvas."""
        rows, columns = np.full(expanded_h, -1), np.full(expanded_w, -1)
        rows[top : top + self.height] = np.arange(self.height)
        columns[left : left + self.width] = np.arange(self.width)
        return self._remap(rows, columns)

    def translate(self, out_shape: tuple[int, int], *args, **kwargs) -> 'AmodalMasks':
        """See :meth:`mmdet.structures.mask.BitmapMasks.translate`."""
        return self._each(lambda masks: masks.translate(out_shape, *args, **kwargs))

    def shear(self, out_shape: tuple[int, int], *args, **kwargs) -> 'AmodalMasks':
        """See :meth:`mmdet.structures.mask.BitmapMasks.shear`."""
        return self._each(lambda masks: masks.shear(out_shape, *args, **kwargs))

    def rotate(self, out_shape: tuple[int, int], *args, **kwargs) -> 'AmodalMasks':
        """See :meth:`mmdet.structures.mask.BitmapMasks.rotate`."""
        return self._each(lambda masks: masks.rotate(out_shape, *args, **kwargs))

    @classmethod
    def cat(cls, masks: Sequence['AmodalMasks']) -> 'AmodalMasks':
        """Concatenate the instances of several carriers of one size.

        Raises:
            TypeError: If one of them is not an :class:`AmodalMasks` and so has no
                visible masks.
            ValueError: If there are none, or the sizes differ.
        """
        masks = list(masks)
        if not masks:
            raise ValueError('nothing to concatenate')
        if not all(isinstance(each, cls) for each in masks):
            raise TypeError(
                'only AmodalMasks can be concatenated: plain ones have no visible part'
            )
        if len({(each.height, each.width) for each in masks}) > 1:
            raise ValueError('masks of different sizes cannot be concatenated')
        return cls(
            np.concatenate([each.masks for each in masks]),
            masks[0].height,
            masks[0].width,
            visible=np.concatenate([each.visible for each in masks]),
            occlusion_rates=np.concatenate([each.occlusion_rates for each in masks]),
        )

    def _remap(self, rows: np.ndarray, columns: np.ndarray) -> 'AmodalMasks':
        visible = None if self._visible is None else self._visible.remap(rows, columns)
        return self._like(
            self._amodal.remap(rows, columns), visible, self.occlusion_rates
        )

    def _each(self, transform: Callable[[BitmapMasks], BitmapMasks]) -> 'AmodalMasks':
        size = self.height, self.width
        amodal = transform(BitmapMasks(self.masks, *size))
        visible = transform(BitmapMasks(self.visible, *size))
        return AmodalMasks(
            amodal.masks,
            amodal.height,
            amodal.width,
            visible=visible.masks,
            occlusion_rates=self.occlusion_rates,
        )

    def _checked_rates(self, rates: Sequence[float] | np.ndarray) -> np.ndarray:
        rates = np.asarray(rates, dtype=np.float32)
        if rates.shape != (len(self),):
            raise ValueError(
                f'{len(self)} amodal masks but occlusion rates of shape {rates.shape}'
            )
        return rates

    def _like(self, amodal, visible, occlusion_rates) -> 'AmodalMasks':
        carrier = object.__new__(type(self))
        carrier.height, carrier.width = amodal.height, amodal.width
        carrier._amodal, carrier._visible = amodal, visible
        carrier.occlusion_rates = occlusion_rates
        return carrier


def mask_areas(masks: np.ndarray) -> np.ndarray:
    """Pixels of each mask: (N, H, W) uint8 to int64 (N,)."""
    return np.array([cv2.countNonZero(mask) for mask in masks], dtype=np.int64)


def _stack(masks: np.ndarray | Sequence[RLE], height: int, width: int) -> MaskStack:
    if len(masks) == 0:
        masks = np.zeros((0, height, width), dtype=np.uint8)
    elif isinstance(masks, np.ndarray):
        masks = masks.astype(np.uint8, copy=False)
        shape = masks.shape[1:]
    else:
        shape = tuple(masks[0]['size'])
    if len(masks) and shape != (height, width):
        raise ValueError(f'masks of size {shape} in a carrier of {(height, width)}')
    return MaskStack(masks, height, width)
