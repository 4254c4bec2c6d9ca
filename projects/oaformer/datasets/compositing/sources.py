"""Where cut-outs come from: a COCO-style data set."""

import os.path as osp
from collections import Counter
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...structures import decode_masks
from ..annotation_file import read_annotation_file
from ..images import read_image
from .cut_out import CutOut, cut_out
from .unoccluded import UnoccludedRules, why_left_out

# A file without any of these does not annotate occlusion.
_OCCLUSION_KEYS = ('visible_mask', 'invisible_mask', 'occlude_rate')
# Sizes of cut-outs vary by this factor either way.
SCALE_JITTER = 1.25
# Longer side of a cut-out, as a share of the new image's shorter side, at most.
MAX_SIDE = 0.6
_IMAGES_KEPT = 32


class ImageObjects(NamedTuple):
    """The annotated objects of one image.

    Attributes:
        annotations: As they are in the file, N of them.
        amodal: Their masks, (N, H, W) uint8 of 0 and 1.
        visible: Visible masks, likewise.
        occluded: Which are hidden in part, by their masks or their annotated rate,
            (N,) bool.
        rate_only: Which are hidden in part by their rate, and no mask says where,
            (N,) bool.
        ignored: Which are crowds or marked to be ignored, (N,) bool.
    """

    annotations: list[dict]
    amodal: np.ndarray
    visible: np.ndarray
    occluded: np.ndarray
    rate_only: np.ndarray
    ignored: np.ndarray


class CutOutSource:
    """The whole objects of a data set.

    Args:
        ann_file: COCO-style annotation file. Where it annotates occlusion, nothing
            hides an object whose rate is 0; in a plain one, if no other mask is near.
        img_dir: Folder of its images.
        rules: What counts as whole.

    Attributes:
        knows_occlusion: Whether the file annotates occlusion.
        exact: Ids of the images of which every visible mask is known.
        left_out: Number of objects left out, by the reason.
        candidates: Annotations of the whole objects, in the order of the file.

    Raises:
        ValueError: If an annotation can't be used, or no object is whole.
        FileNotFoundError: If an image is missing.
    """

    def __init__(
        self,
        ann_file: str,
        img_dir: str,
        rules: UnoccludedRules = UnoccludedRules(),  # noqa: B008
    ) -> None:
        self.file = read_annotation_file(ann_file)
        self.img_dir = img_dir
        self.knows_occlusion = any(
            annotation.get(key) is not None
            for annotation in self.file.annotations
            for key in _OCCLUSION_KEYS
        )
        self._by_image: dict[int, list[dict]] = {key: [] for key in self.file.images}
        for annotation in self.file.annotations:
            self._by_image[annotation['image_id']].append(annotation)
        self.image = lru_cache(_IMAGES_KEPT)(self._image)
        self.left_out: Counter = Counter()
        self.candidates: list[dict] = []
        self.exact: list[int] = []
        for image_id in self.file.images:
            self._find_candidates(image_id, rules)
        if not self.candidates:
            raise ValueError(
                f'{ann_file}: no object is whole; left out: {self.left_out_summary()}. '
                'Loosen the rules.'
            )

    def objects(self, image_id: int) -> ImageObjects:
        """The annotated objects of an image."""
        image, annotations = self.file.images[image_id], self._by_image[image_id]
        size = image['height'], image['width']
        parsed = [self.file.parse(annotation) for annotation in annotations]
        return ImageObjects(
            annotations,
            decode_masks([one.amodal for one in parsed], *size),
            decode_masks([one.visible for one in parsed], *size),
            np.array([one.is_occluded for one in parsed], bool),
            np.array([one.has_rate_only for one in parsed], bool),
            np.array([one.iscrowd or one.ignore for one in parsed], bool),
        )

    def left_out_summary(self) -> str:
        """What was left out and why, in one line."""
        parts = [f'{number} {reason}' for reason, number in self.left_out.most_common()]
        return ', '.join(parts) or 'nothing'

    def draw(
        self,
        rng: np.random.Generator,
        size: tuple[int, int],
        shrink: float = 1.0,
    ) -> tuple[CutOut, dict]:
        """Draw one of the whole objects.

        It keeps its size relative to the image, but for some jitter, and is never
        enlarged.

        Args:
            rng: Source of randomness.
            size: Height and width in pixels of the image that it is for.
            shrink: Factor of its size, for an image that is nearly full.

        Returns:
            The cut-out, and the fields of its annotation that stay: category and
            where it comes from.
        """
        annotation = self.candidates[int(rng.integers(len(self.candidates)))]
        image = self.file.images[annotation['image_id']]
        parsed = self.file.parse(annotation)
        mask = decode_masks([parsed.amodal])[0]
        longest = max(np.ptp(np.nonzero(mask), axis=1)) + 1
        scale = min(size[0] / image['height'], size[1] / image['width'])
        scale *= SCALE_JITTER ** rng.uniform(-1, 1)
        scale = shrink * min(1.0, scale, MAX_SIDE * min(size) / longest)
        fields = dict(
            category_id=annotation['category_id'],
            source_annotation_id=annotation['id'],
            source_image_id=image['id'],
            source_file_name=image['file_name'],
        )
        return cut_out(self.image(image['id']), mask, scale), fields

    def _image(self, image_id: int) -> np.ndarray:
        image = self.file.images[image_id]
        path = self._path(image)
        pixels = read_image(path)
        if pixels.shape[:2] != (image['height'], image['width']):
            raise ValueError(
                f'{path} (image {image_id}) is {pixels.shape[0]} x {pixels.shape[1]} '
                f'pixels, {self.file.name} says {image["height"]} x {image["width"]}'
            )
        return pixels

    def _path(self, image: dict) -> str:
        return osp.join(self.img_dir, image['file_name'])

    def _find_candidates(self, image_id: int, rules: UnoccludedRules) -> None:
        objects = self.objects(image_id)
        if not objects.rate_only.any():
            self.exact.append(image_id)
        occluded = objects.occluded if self.knows_occlusion else None
        found = False
        for index, annotation in enumerate(objects.annotations):
            reason = why_left_out(
                index, objects.amodal, occluded, objects.ignored, rules
            )
            if reason is None:
                self.candidates.append(annotation)
                found = True
            else:
                self.left_out[reason] += 1
        path = self._path(self.file.images[image_id])
        if found and not osp.exists(path):
            raise FileNotFoundError(
                f'{self.file.name}: image {image_id} is missing: {path}. Name the '
                "images' folder with --img-dir."
            )
