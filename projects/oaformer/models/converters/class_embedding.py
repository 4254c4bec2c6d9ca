"""The layers whose rows belong to classes."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mmdet.datasets import CocoDataset, CocoPanopticDataset
from torch import Tensor

from .conversion import ConversionError

CLASS_EMBEDDING = ('panoptic_head.cls_embed.weight', 'panoptic_head.cls_embed.bias')
BOX_CLASSES = ('roi_head.bbox_head.fc_cls.weight', 'roi_head.bbox_head.fc_cls.bias')


class ClassTable(NamedTuple):
    """A layer with rows for each class.

    Attributes:
        rows: Rows of a class.
        with_background: Whether the last row is that of no object.
    """

    rows: int
    with_background: bool


_TABLES = {
    r'panoptic_head\.cls_embed\..+': ClassTable(1, True),
    r'roi_head\.bbox_head\.fc_cls\..+': ClassTable(1, True),
    r'roi_head\.bbox_head\.fc_reg\..+': ClassTable(4, False),
    r'roi_head\.mask_head\..*conv_logits\..+': ClassTable(1, False),
}


def class_table(name: str) -> ClassTable | None:
    """The layout of a tensor with rows for each class; None for another one."""
    for pattern, table in _TABLES.items():
        if re.fullmatch(pattern, name):
            return table
    return None


def coco_classes(num_classes: int) -> tuple[str, ...] | None:
    """Names of COCO's classes in the order of both releases' weights.

    Panoptic models have the 80 things first, then the 53 kinds of stuff: in
    MMDetection's ``CocoPanopticDataset`` as in the original release's
    ``register_coco_panoptic_annos_semseg.py``.

    Args:
        num_classes: Number of classes of the weights.

    Returns:
        The names; None if COCO does not have this many.
    """
    for dataset in (CocoDataset, CocoPanopticDataset):
        if len(dataset.METAINFO['classes']) == num_classes:
            return tuple(dataset.METAINFO['classes'])
    return None


def checked_class_names(
    names: Sequence[str] | None, num_classes: int, owner: str
) -> tuple[str, ...] | None:
    """Check that there is a name for every row.

    Args:
        names: Names of the classes, None if they are not known.
        num_classes: Number of rows, without the one for no object.
        owner: Source of the names, for the message.

    Returns:
        The names.

    Raises:
        ConversionError: If their number differs.
    """
    if names is not None and len(names) != num_classes:
        raise ConversionError(
            f'{owner} names {len(names)} classes, but its class embedding has '
            f'{num_classes}: they cannot be matched by name'
        )
    return None if names is None else tuple(names)


def matching_classes(
    source: Sequence[str] | None, target: Sequence[str] | None
) -> dict[int, int]:
    """Find classes that have the same name, regardless of case.

    Args:
        source: Names of the weights' classes, None if they are not known.
        target: Names of the new model's classes, None if they are not known.

    Returns:
        The source's index of each target index that has one.
    """
    indices = {name.lower(): index for index, name in enumerate(source or ())}
    return {
        index: indices[name.lower()]
        for index, name in enumerate(target or ())
        if name.lower() in indices
    }


def take_class_rows(
    weights: Mapping[str, Tensor],
    model: Mapping[str, Tensor],
    rows: Mapping[int, int] | None,
) -> dict[str, Tensor]:
    """Make the layers of classes of a model with other classes.

    Args:
        weights: Weights by the new model's names.
        model: State of the new model.
        rows: The source's class of each target class that has one. The row of no
            object is always copied. None copies nothing.

    Returns:
        The weights; other rows of the layers of classes are those of ``model``, and
        without ``rows`` these layers are left out.
    """
    taken = {}
    for name, source in weights.items():
        table = class_table(name)
        if table is None:
            taken[name] = source
        elif rows is not None:
            taken[name] = model[name].clone()
            if table.with_background:
                taken[name][-1] = source[-1]
            for target_class, source_class in rows.items():
                for row in range(table.rows):
                    taken[name][table.rows * target_class + row] = source[
                        table.rows * source_class + row
                    ]
    return taken


def count_classes(weights: Mapping[str, Tensor], owner: str) -> int:
    """Number of classes of a class embedding, no object not counted.

    Args:
        weights: Weights by MMDetection's names.
        owner: Source of the weights, for the message.

    Raises:
        ConversionError: If the class embedding is missing.
    """
    names = BOX_CLASSES if BOX_CLASSES[0] in weights else CLASS_EMBEDDING
    for name in names:
        if name not in weights:
            raise ConversionError(f'{owner} has no {name}')
    return len(weights[names[0]]) - 1
