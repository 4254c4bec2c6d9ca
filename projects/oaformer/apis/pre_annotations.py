"""Predictions as pre-annotations: files that labelling tools open for correction."""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log

from ..datasets.annotation import to_annotation
from ..datasets.atomic_write import write_json
from ..datasets.converters.cvat import write_cvat
from ..datasets.converters.depth_order import Layer, LayeredObject, visible_masks
from ..datasets.converters.labelme import write_labelme
from ..datasets.converters.outlines import Outline, OutlinedImage
from ..datasets.converters.shapes import rle_iou
from ..structures import RLE, rle_area, rle_intersection
from .inputs import InputError, is_video
from .occlusion_layers import front_to_back, predicted_order

EXPORTS = ('coco', 'labelme', 'cvat')
"""Formats of pre-annotations."""
DUPLICATE_IOU = 0.8
"""Least IoU of two predicted objects of a class that are one object."""
VISIBLE_SUFFIX = '_visible'
UNEXPLAINED = 0.05
"""Share of an object where predicted and derived visible mask must differ."""


class PreAnnotations:
    """Collects predictions and writes them in the format of a labelling tool.

    ``labelme/NAME.json`` of each image, ``cvat.xml`` or ``coco.json`` of all. A file
    that exists may hold corrections, so it is never replaced.

    Args:
        kind: One of ``EXPORTS``.
        out_dir: Folder of the files.
        score_thr: Lowest score of an object.
        classes: Names of the model's classes.

    Raises:
        InputError: If the format is not known, or the folder is missing.
    """

    def __init__(
        self,
        kind: str,
        out_dir: str | os.PathLike,
        score_thr: float,
        classes: Sequence[str],
    ) -> None:
        if kind not in EXPORTS:
            raise InputError(f'export must be one of {", ".join(EXPORTS)}, not {kind}')
        if not os.fspath(out_dir):
            raise InputError('an export needs out_dir, the folder to write it to')
        self.kind = kind
        self.out_dir = Path(out_dir).expanduser()
        self.score_thr = score_thr
        self.classes = tuple(classes)
        self._img_dir = ''
        self._left_out: Counter[str] = Counter()
        self._images: list[OutlinedImage] = []
        self._entries: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def plan(
        self, inputs: Sequence[str | np.ndarray], name: Callable[[str], str]
    ) -> Path:
        """Check the inputs and the files to write before the model runs.

        Args:
            inputs: Paths, addresses and arrays.
            name: Gives the name of an input's file, without ending.

        Returns:
            The folder of the files.

        Raises:
            InputError: If an input is not a file of an image, which is what labelling
                tools open, or a file to write exists.
        """
        for item in inputs:
            if not isinstance(item, str) or '://' in item or is_video(item):
                what = item if isinstance(item, str) else 'an array'
                raise InputError(
                    f"{what} can't be exported: labelling tools open files of images; "
                    'save it, or the frames of a video, as such first'
                )
        folders = [os.path.dirname(os.path.abspath(item)) for item in inputs]
        self._img_dir = os.path.commonpath(folders)
        files = [self.out_dir / self._file(name(item)) for item in inputs]
        for file in files:
            if file.exists():
                raise InputError(
                    f'{file} exists and may hold corrections: name another folder for '
                    'the outputs, or move it away'
                )
        return files[0].parent

    def add(self, prediction: Mapping[str, Any], name: str) -> None:
        """Add an image's result of :func:`prediction_to_dict`.

        Raises:
            OSError: If labelme's file can't be written.
        """
        path = prediction['img_path']
        objects = ordered_objects(prediction, self.score_thr, self._left_out)
        relative = os.path.relpath(os.path.abspath(path), self._img_dir)
        entry = dict(
            file_name=Path(relative).as_posix(),
            height=prediction['height'],
            width=prediction['width'],
        )
        if self.kind == 'coco':
            entry = dict(id=len(self._entries) + 1) | entry
            self._entries.append(entry)
            self._annotations += [
                _to_annotation(
                    prediction,
                    index,
                    id=len(self._annotations) + number,
                    image_id=entry['id'],
                    occl_depth=objects.index(index),
                )
                for number, index in enumerate(sorted(objects), start=1)
            ]
            return
        outlines = predicted_outlines(prediction, objects)
        image = OutlinedImage(path, entry, outlines)
        if self.kind == 'labelme':
            write_labelme(self.out_dir / self._file(name), image, path)
        else:
            self._images.append(image)

    def finish(self) -> None:
        """Write the file of all images, where the format has one.

        Logs how many objects were left out, and why.

        Raises:
            OSError: If it can't be written.
        """
        counts = [f'{number} {why}' for why, number in self._left_out.items() if number]
        if counts:
            print_log(
                f'predicted objects left out of the export: {", ".join(counts)}',
                logger='current',
            )
        file = self.out_dir / self._file('')
        if self.kind == 'cvat':
            write_cvat(file, self._images)
        elif self.kind == 'coco':
            names = dict(enumerate(self.classes, start=1))
            for each in self._annotations:
                names.setdefault(
                    each['category_id'], f'class {each["category_id"] - 1}'
                )
            categories = [dict(id=key, name=names[key]) for key in sorted(names)]
            content = dict(
                images=self._entries,
                annotations=self._annotations,
                categories=categories,
            )
            write_json(file, content)

    def _file(self, name: str) -> str:
        files = dict(labelme=f'labelme/{name}.json', cvat='cvat.xml', coco='coco.json')
        return files[self.kind]


def ordered_objects(
    prediction: Mapping[str, Any],
    score_thr: float,
    left_out: Counter[str] | None = None,
) -> list[int]:
    """Indices of the objects of a prediction, front first.

    Of two that overlap, :func:`predicted_order` says which is in front. Where it does
    not, the one with the better score comes first.

    Args:
        prediction: An image's result of :func:`prediction_to_dict`.
        score_thr: Lowest score. Objects without a pixel are left out, and so are those
            that repeat one with a better score, by ``DUPLICATE_IOU``.
        left_out: Counts both.
    """
    chosen = [
        index for index, score in enumerate(prediction['scores']) if score >= score_thr
    ]
    seen = [index for index in chosen if rle_area(prediction['masks'][index])]
    objects = _without_duplicates(prediction, seen)
    if left_out is not None:
        left_out['have no pixel'] += len(chosen) - len(seen)
        left_out['repeat one with a better score'] += len(seen) - len(objects)
    fields = [
        [prediction[key][index] for index in objects] if key in prediction else None
        for key in ('masks', 'visible_masks', 'occlusion_rates')
    ]
    pairs = predicted_order(*fields)
    if pairs is None:
        return objects
    return [objects[place] for place in front_to_back(pairs, len(objects))]


def _without_duplicates(
    prediction: Mapping[str, Any], objects: Sequence[int]
) -> list[int]:
    """Queries may agree on an object; which one stays, the better score says."""
    masks, labels = prediction['masks'], prediction['labels']
    kept: list[int] = []
    for index in sorted(objects, key=lambda index: -prediction['scores'][index]):
        others = (other for other in kept if labels[other] == labels[index])
        if all(rle_iou(masks[index], masks[other]) < DUPLICATE_IOU for other in others):
            kept.append(index)
    return sorted(kept)


def predicted_outlines(
    prediction: Mapping[str, Any], objects: Sequence[int]
) -> list[Outline]:
    """Outlines of predicted objects, for correction by hand.

    What is visible follows from whole outlines and their order, and would be one more
    outline to correct. So a predicted visible mask becomes one, of the label with
    ``VISIBLE_SUFFIX``, only where it differs from that: something without a label
    hides the object, or no single order says how objects lie.

    Args:
        prediction: An image's result of :func:`prediction_to_dict`.
        objects: Indices of the objects, front first.

    Returns:
        The outlines from back to front, at orders from 0 on, those of each object in a
        group of their own, from 1 on.
    """
    backwards = list(objects)[::-1]
    wholes = [prediction['masks'][index] for index in backwards]
    derived = visible_masks(
        [LayeredObject([Layer(mask, order)]) for order, mask in enumerate(wholes)]
    )
    outlines = []
    for order, (index, whole) in enumerate(zip(backwards, wholes, strict=True)):
        visible = derived[order]
        if 'visible_masks' in prediction:
            visible = prediction['visible_masks'][index]
        outline = Outline(
            f'instance {index}',
            prediction['label_names'][index],
            whole,
            order,
            group=order + 1,
            is_marked=rle_area(visible) < rle_area(whole),
            fields=dict(score=round(prediction['scores'][index], 4)),
        )
        outlines.append(outline)
        differing = _differing_area(visible, derived[order])
        if rle_area(visible) and differing > UNEXPLAINED * rle_area(whole):
            label = outline.label + VISIBLE_SUFFIX
            outlines.append(outline._replace(label=label, mask=visible))
    return outlines


def _differing_area(first: RLE, second: RLE) -> int:
    """Number of pixels inside one of two masks."""
    common = rle_area(rle_intersection(first, second))
    return rle_area(first) + rle_area(second) - 2 * common


def _to_annotation(
    prediction: Mapping[str, Any], index: int, **fields: Any
) -> dict[str, Any]:
    visible = None
    if 'visible_masks' in prediction:
        visible = prediction['visible_masks'][index]
    elif 'occlusion_rates' in prediction:
        fields['occlude_rate'] = prediction['occlusion_rates'][index]
    return to_annotation(
        prediction['masks'][index],
        visible,
        category_id=prediction['labels'][index] + 1,
        score=prediction['scores'][index],
        **fields,
    )
