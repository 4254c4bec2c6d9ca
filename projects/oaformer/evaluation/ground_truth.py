"""The annotation file as the metric sees it: masks, areas, occlusion rates."""

from collections.abc import Sequence
from typing import NamedTuple

from ..datasets import read_annotation_file
from ..datasets.annotation import has_parts
from ..datasets.findings import AnnotationError


class AmodalGroundTruth(NamedTuple):
    """Checked content of an annotation file.

    Attributes:
        name: Path of the file.
        images: Image (``id``, ``height``, ``width``, ...) by its id.
        annotations: One dict per object: ``id`` from 1 on (COCO's matching takes 0 for
            "not matched"), ``annotation_id`` (that of the file), ``image_id``,
            ``category_id``, ``segmentation`` (amodal RLE), ``visible_mask`` (RLE, the
            amodal one where nothing is hidden), ``area`` in pixels, ``iscrowd``
            (0 or 1; 1 also where it is to be ignored) and ``occlusion_rate`` in [0, 1].
        category_ids: Category id by class name, in the order of the ids.
        has_visible_masks: Whether the file says of any object what is visible.
    """

    name: str
    images: dict[int, dict]
    annotations: list[dict]
    category_ids: dict[str, int]
    has_visible_masks: bool

    def categories(self, classes: Sequence[str] | None) -> dict[str, int]:
        """Category id by class name, in the order of the labels.

        Args:
            classes: Names of the classes; all of the file where None.

        Raises:
            ValueError: If a class is not among the categories of the file.
        """
        if classes is None:
            return dict(self.category_ids)
        absent = [name for name in classes if name not in self.category_ids]
        if absent:
            raise AnnotationError(
                f'{self.name}: classes {absent} of the data set are not among its '
                f'categories {sorted(self.category_ids)[:10]}...'
            )
        return {name: self.category_ids[name] for name in classes}


def load_ground_truth(
    ann_file: str, backend_args: dict | None = None, class_agnostic: bool = False
) -> AmodalGroundTruth:
    """Read an annotation file in the schema (a COCO superset, D2SA's own keys).

    Args:
        ann_file: Path of the file.
        backend_args: Arguments of MMEngine's file backend.
        class_agnostic: Whether all objects get one category, 'object' with id 1.

    Raises:
        ValueError: If the file is not in the schema or an annotation can't be used.
    """
    file = read_annotation_file(ann_file, backend_args, class_agnostic)
    annotations = []
    for number, annotation in enumerate(file.annotations, start=1):
        parsed = file.parse(annotation)
        annotations.append(
            dict(
                id=number,
                annotation_id=annotation['id'],
                image_id=annotation['image_id'],
                category_id=annotation['category_id'],
                segmentation=parsed.amodal,
                visible_mask=parsed.visible,
                area=parsed.area,
                iscrowd=int(parsed.iscrowd or parsed.ignore),
                occlusion_rate=parsed.occlusion_rate,
            )
        )
    return AmodalGroundTruth(
        name=ann_file,
        images=file.images,
        annotations=annotations,
        category_ids=file.category_ids,
        has_visible_masks=any(map(has_parts, file.annotations)),
    )
