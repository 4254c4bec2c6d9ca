"""Backgrounds that cut-outs are pasted on; all their objects have labels."""

from pathlib import Path

import cv2
import mmcv
import numpy as np

from ..annotation_fields import is_number
from ..images import read_image
from .scene import Scene, SceneObject
from .sources import CutOutSource

BACKGROUNDS = ('patch', 'noise', 'source')
IMAGE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
_PATCH_IMAGES = 20
# Sides of a patch, as shares of the largest that the image has. A part of half the
# image shows what things are made of rather than things.
_PATCH_SIDES = (0.5, 0.35, 0.25, 0.18, 0.12)
# Blur as a share of the height: objects without annotation are not recognizable.
_PATCH_BLUR = 0.008
# Masks are seldom exact: a patch stays this share of the image's height away.
_PATCH_DISTANCE = 0.01


class Backgrounds:
    """Draws backgrounds of one kind by ``draw(rng)``.

    Args:
        kind: 'patch': a part of one of the source's images that no annotation
            comes near, enlarged and blurred, or noise where there is none. 'noise':
            smooth noise. 'source': a whole image of the source, whose own objects
            keep their labels; one of which all visible masks are known. Any other text
            is a folder of images, which must not show objects of the data set's
            classes.
        source: Where the cut-outs come from.
        size: Height and width in pixels of a background; those of the image with
            'source'.

    Raises:
        ValueError: If 'source' is chosen and the source does not annotate by masks what
            is hidden, or the folder holds no images.
    """

    def __init__(self, kind: str, source: CutOutSource, size: tuple[int, int]) -> None:
        self._source, self._size = source, size
        self._image_ids = list(source.file.images)
        if kind in BACKGROUNDS:
            self.draw = getattr(self, f'_draw_{kind}')
        else:
            self.draw = self._draw_from_folder
            self._images = _images_in(kind)
        if kind == 'source' and not (source.knows_occlusion and source.exact):
            what = 'occlusion'
            if source.knows_occlusion:
                what = 'by masks what is hidden, only by rates'
            raise ValueError(
                f'{source.file.name} does not annotate {what}: what is hidden of '
                'the objects in its images is unknown, so they cannot be backgrounds'
            )

    def _draw_noise(self, rng: np.random.Generator) -> Scene:
        return Scene(_noise(rng, *self._size), [], 0, dict(background='noise'))

    def _draw_patch(self, rng: np.random.Generator) -> Scene:
        for _ in range(_PATCH_IMAGES):
            image_id = self._image_ids[int(rng.integers(len(self._image_ids)))]
            objects = self._source.objects(image_id)
            image = self._source.image(image_id)
            free = np.ones(image.shape[:2], np.uint8)
            for mask in objects.amodal:
                free &= 1 - mask
            window = free_window(rng, free, self._size)
            if window is not None:
                patch = _enlarge(image[window], *self._size)
                origin = dict(background='patch') | self._origin(image_id)
                return Scene(patch, [], 0, origin)
        return self._draw_noise(rng)

    def _draw_from_folder(self, rng: np.random.Generator) -> Scene:
        path = self._images[int(rng.integers(len(self._images)))]
        image = read_image(str(path))
        height, width = self._size
        zoom = max(height / image.shape[0], width / image.shape[1])
        scaled = [
            max(side, round(zoom * old))
            for side, old in zip(self._size, image.shape[:2], strict=True)
        ]
        image = mmcv.imresize(image, scaled[::-1], interpolation='area')
        top = int(rng.integers(scaled[0] - height + 1))
        left = int(rng.integers(scaled[1] - width + 1))
        image = image[top : top + height, left : left + width]
        origin = dict(background='folder', source_file_name=path.name)
        return Scene(image, [], 0, origin)

    def _draw_source(self, rng: np.random.Generator) -> Scene:
        image_ids = self._source.exact
        image_id = image_ids[int(rng.integers(len(image_ids)))]
        own = self._source.objects(image_id)
        objects = []
        for annotation, *masks in zip(
            own.annotations, own.amodal, own.visible, strict=True
        ):
            fields = dict(
                category_id=annotation['category_id'],
                source_annotation_id=annotation['id'],
                **self._origin(image_id),
            )
            flags = ('iscrowd', 'ignore')
            fields |= {key: 1 for key in flags if annotation.get(key)}
            objects.append(SceneObject(*masks, fields))
        num_ordered = 0
        depths = [annotation.get('occl_depth') for annotation in own.annotations]
        if all(map(is_number, depths)):
            num_ordered = len(objects)
            objects = [objects[index] for index in np.argsort(depths, kind='stable')]
        origin = dict(background='source') | self._origin(image_id)
        return Scene(self._source.image(image_id), objects, num_ordered, origin)

    def _origin(self, image_id: int) -> dict:
        file_name = self._source.file.images[image_id]['file_name']
        return dict(source_image_id=image_id, source_file_name=file_name)


def _noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Smooth noise around a random color, with a little grain, (H, W, 3) uint8."""
    colors = rng.uniform(60, 200, 3) + rng.normal(0, 18, (5, 6, 3))
    smooth = cv2.resize(
        colors.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
    )
    grain = rng.normal(0, 4, (height, width, 1))
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)


def free_window(
    rng: np.random.Generator, free: np.ndarray, size: tuple[int, int]
) -> tuple[slice, slice] | None:
    """A random window, one of the largest, in which everything is free.

    Args:
        rng: Source of randomness.
        free: Where nothing is annotated, (H, W) uint8 of 0 and 1.
        size: Height and width that the window is for; it has their ratio.

    Returns:
        Rows and columns, or None if there is none.
    """
    distance = round(_PATCH_DISTANCE * free.shape[0])
    free = cv2.erode(free, np.ones((2 * distance + 1,) * 2, np.uint8))
    taken = cv2.integral(1 - free)
    zoom = min(free.shape[0] / size[0], free.shape[1] / size[1])
    for side in _PATCH_SIDES:
        height, width = (max(1, int(side * zoom * part)) for part in size)
        inside = (
            taken[height:, width:]
            - taken[:-height, width:]
            - taken[height:, :-width]
            + taken[:-height, :-width]
        )
        places = np.argwhere(inside == 0)
        if len(places):
            top, left = places[int(rng.integers(len(places)))]
            return slice(top, top + height), slice(left, left + width)
    return None


def _enlarge(patch: np.ndarray, height: int, width: int) -> np.ndarray:
    """A patch at another size, smooth where it is enlarged, (height, width, 3)."""
    zoom = height / patch.shape[0]
    method = cv2.INTER_CUBIC if zoom > 1 else cv2.INTER_AREA
    image = cv2.resize(patch, (width, height), interpolation=method)
    return cv2.GaussianBlur(image, (0, 0), max(_PATCH_BLUR * height, zoom / 2))


def _images_in(folder: str) -> list[Path]:
    path = Path(folder)
    if not path.is_dir():
        raise ValueError(
            f'backgrounds are {", ".join(BACKGROUNDS)} or a folder; folder not found: '
            f'{folder}'
        )
    images = sorted(
        each for each in path.iterdir() if each.suffix.lower() in IMAGE_SUFFIXES
    )
    if not images:
        raise ValueError(
            f'{folder} has no images ({", ".join(IMAGE_SUFFIXES)}) for backgrounds'
        )
    return images
