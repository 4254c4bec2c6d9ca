"""The annotation file as the metric sees it: masks, areas, occlusion rates."""

from typing import NamedTuple

from ..datasets import read_annotation_file
from ..structures import rle_area


class AmodalGroundTruth(NamedTuple):
    """Checked content of an annotation file.

    Attributes:
        images: Picture (``id``, ``height``, ``width``, ...) by its id.
        annotations: One dict per object: ``id`` from 1 on (COCO's matching takes 0 for
            "not matched"), ``image_id``, ``category_id``,
            ``segmentation`` (amodal RLE), ``area`` in pixels, ``iscrowd`` (0 or 1) and
            ``occlusion_rate`` in [0, 1].
        category_ids: Category id by class name, in the order of the file.
    """

    images: dict[int, dict]
    annotations: list[dict]
    category_ids: dict[str, int]


def load_ground_truth(
    ann_file: str, backend_args: dict | None = None
) -> AmodalGroundTruth:
    """Read an annotation file in the schema (a COCO superset, D2SA's own keys).

    Args:
        ann_file: Path of the file.
        backend_args: Arguments of MMEngine's file backend.

    Returns:
        Its content.

    Raises:
        ValueError: If the file is no such annotation file or a mask can't be read.
    """
    file = read_annotation_file(ann_file, backend_args)
    annotations = []
    for number, annotation in enumerate(file.annotations, start=1):
        parsed = file.parse(annotation)
        annotations.append(
            dict(
                id=number,
                image_id=annotation['image_id'],
                category_id=annotation['category_id'],
                segmentation=parsed.amodal,
                area=annotation.get('area', rle_area(parsed.amodal)),
                iscrowd=int(bool(annotation.get('iscrowd', False))),
                occlusion_rate=parsed.occlusion_rate,
            )
        )
    return AmodalGroundTruth(file.images, annotations, file.category_ids)
