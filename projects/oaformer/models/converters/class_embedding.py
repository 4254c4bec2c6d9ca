"""The rows of Mask2Former's class embedding, one per class and one for no object."""

from collections.abc import Mapping, Sequence

from mmdet.datasets import CocoDataset, CocoPanopticDataset
from torch import Tensor

from .conversion import ConversionError

CLASS_EMBEDDING = ('panoptic_head.cls_embed.weight', 'panoptic_head.cls_embed.bias')


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
    """Make the class embedding of a model with other classes.

    Args:
        weights: Weights by MMDetection's names, classes (num_source + 1, C).
        model: State of the new model, classes (num_target + 1, C).
        rows: The source's row of each target row that has one. The last row, no
            object, is always copied. None copies nothing.

    Returns:
        The weights with the new model's class embedding, whose other rows are those
        of ``model``; without one if ``rows`` is None.
    """
    weights = dict(weights)
    for name in CLASS_EMBEDDING:
        source = weights.pop(name)
        if rows is not None:
            embedding = model[name].clone()
            for target_row, source_row in {**rows, -1: -1}.items():
                embedding[target_row] = source[source_row]
            weights[name] = embedding
    return weights


def count_classes(weights: Mapping[str, Tensor], owner: str) -> int:
    """Number of classes of a class embedding, no object not counted.

    Args:
        weights: Weights by MMDetection's names.
        owner: Source of the weights, for the message.

    Raises:
        ConversionError: If the class embedding is missing.
    """
    for name in CLASS_EMBEDDING:
        if name not in weights:
            raise ConversionError(f'{owner} has no {name}')
    return len(weights[CLASS_EMBEDDING[0]]) - 1
