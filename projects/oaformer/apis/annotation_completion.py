"""Completion of the objects in a file: visible masks in, amodal masks out."""

import os
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ..datasets.annotation import to_annotation
from ..structures import rle_area
from .amodal_inferencer import AmodalInferencer
from .inputs import InputError
from .known_objects import KnownObjects, to_prompts


def complete_annotations(
    inferencer: AmodalInferencer,
    images: Sequence[dict],
    annotations: Sequence[dict],
    categories: Sequence[dict],
    img_dir: str | os.PathLike,
    kind: str = 'visible_mask',
    use_classes: bool = True,
    **kwargs: Any,
) -> list[dict]:
    """Complete the objects of a COCO-style file or of a detector's results.

    Args:
        inferencer: Has a model that was trained with ``panoptic_head.prompts``.
        images: ``id``, ``file_name``, ``height``, ``width`` of each image.
        annotations: Objects or results. What is seen of one is its ``visible_mask`` or,
            without that, its ``segmentation``; or its ``bbox``.
        categories: ``id`` and ``name`` of each category.
        img_dir: Folder of the images.
        kind: 'visible_mask' or 'box', what the model is given.
        use_classes: Whether the model is given the categories that it knows.
        **kwargs: Further arguments of :meth:`AmodalInferencer.stream`.

    Returns:
        The annotations in their order, in the schema of the data sets: amodal mask in
        ``segmentation``, the given ``visible_mask`` and ``occlude_rate``. Other keys
        stay, and so do crowds as a whole. A result without an id gets a number.

    Raises:
        InputError: Naming the annotation, if what is given of it can't be used, or an
            image that can't be read.
    """
    names = {category['id']: category['name'] for category in categories}
    by_id = {image['id']: image for image in images}
    of_image: defaultdict[Any, list[int]] = defaultdict(list)
    results = [dict(annotation) for annotation in annotations]
    known: dict[int, tuple[Any, Any, str | None]] = {}
    for index, annotation in enumerate(annotations):
        name = f'annotation {annotation.get("id", f"number {index}")}'
        image = by_id.get(annotation.get('image_id'))
        if image is None:
            raise InputError(
                f'{name}: no image has the id {annotation.get("image_id")!r}'
            )
        if annotation.get('iscrowd'):
            continue
        label = names.get(annotation.get('category_id'))
        if not use_classes or label not in inferencer.classes:
            label = None
        try:
            mask, box = _given(annotation, kind)
            size = image['height'], image['width']
            prompts = to_prompts(
                KnownObjects([mask], [box], [label]), *size, inferencer.classes
            )
        except (InputError, ValueError) as error:
            raise InputError(f'{name}: {error}') from error
        known[index] = (prompts.masks[0] if box is None else None, box, label)
        of_image[image['id']].append(index)
    if not known:
        raise InputError('the file has no object to complete')
    objects = [
        KnownObjects(*zip(*(known[index] for index in indices), strict=True))
        for indices in of_image.values()
    ]
    paths = [os.path.join(img_dir, by_id[image]['file_name']) for image in of_image]
    kwargs = dict(pred_score_thr=0.0) | kwargs
    completed = inferencer.stream(paths, known=objects, **kwargs)
    for indices, result in zip(of_image.values(), completed, strict=True):
        for place, index in enumerate(indices):
            results[index] = _completed(
                results[index], index, result.prediction, place, known[index][0]
            )
    return results


def _given(annotation: dict, kind: str) -> tuple[Any, list[float] | None]:
    if kind == 'visible_mask':
        mask = annotation.get('visible_mask') or annotation.get('segmentation')
        if not mask:
            raise InputError('it has neither a visible_mask nor a segmentation')
        return mask, None
    box = annotation.get('bbox')
    if not isinstance(box, list) or len(box) != 4:
        raise InputError('it has no bbox of four numbers')
    x, y, width, height = box
    return None, [x, y, x + width, y + height]


def _completed(
    annotation: dict, index: int, prediction: dict, place: int, visible: dict | None
) -> dict:
    amodal = prediction['masks'][place]
    if visible is None and 'visible_masks' in prediction:
        visible = prediction['visible_masks'][place]
    replaced = ('segmentation', 'visible_mask', 'invisible_mask', 'bbox', 'area')
    fields = {key: annotation[key] for key in annotation if key not in replaced}
    fields.pop('occlude_rate', None)
    fields = dict(id=index + 1, category_id=-1, iscrowd=0) | fields
    if visible is None and 'occlusion_rates' in prediction:
        fields['occlude_rate'] = prediction['occlusion_rates'][place]
    if not rle_area(amodal):
        # nothing was predicted for a box
        return annotation
    return to_annotation(amodal, visible, **fields)
