"""From MMDetection's Mask R-CNN to the two-stage systems.

Backbone, FPN, RPN and box head keep their names. The mask head goes to each branch that
has the same layers; the heads of BCNet, AISFormer and SLN have others and start afresh.
"""

from collections.abc import Mapping

from torch import Tensor

from .class_embedding import class_table
from .conversion import Conversion, ConversionError, name_some, other_shapes

_MASK_HEAD = 'roi_head.mask_head.'
_TRUNKS = _MASK_HEAD + 'trunks.'
# parts that Mask R-CNN may lack
_OWN = (_MASK_HEAD, 'roi_head.layering_head.')


def with_branch_names(
    weights: Mapping[str, Tensor], model: Mapping[str, Tensor]
) -> Conversion:
    """Copy Mask R-CNN's mask head to the branches of another one.

    Args:
        weights: Tensors of MMDetection's ``MaskRCNN``, by name.
        model: State of the model that they are for.

    Returns:
        The weights under the model's names. The mask head is left out where the model
        has no such branches.

    Raises:
        ConversionError: If they belong to another model.
    """
    if not any(name.startswith('roi_head.bbox_head.') for name in weights):
        raise ConversionError(
            "these are not weights of MMDetection's Mask R-CNN: no name starts with "
            f"'roi_head.bbox_head.'. Names are {name_some(weights)}"
        )
    branches = sorted(
        {
            name.removeprefix(_TRUNKS).partition('.')[0]
            for name in model
            if name.startswith(_TRUNKS)
        }
    )
    renamed, sources, left_out = {}, {}, []
    for name, tensor in weights.items():
        places = [name]
        if name.startswith(_MASK_HEAD) and not name.startswith(_TRUNKS):
            rest = name.removeprefix(_MASK_HEAD)
            places = [f'{_TRUNKS}{branch}.{rest}' for branch in branches]
        if not places:
            left_out.append(name)
        renamed.update(dict.fromkeys(places, tensor))
        sources.update(dict.fromkeys(places, name))
    return Conversion(renamed, sources, left_out, [])


def convert_mask_rcnn(
    weights: Mapping[str, Tensor], model: Mapping[str, Tensor]
) -> Conversion:
    """Check that weights are those of a model.

    Args:
        weights: Tensors by the model's names, from :func:`with_branch_names`; without
            layers of classes, these start afresh.
        model: State of the model.

    Returns:
        The weights. Left out are counters of batch norms that it does not have; fresh
        are layers of classes, a mask head and a layering head for which there are none.

    Raises:
        ConversionError: If a tensor has no place, a place no tensor, or shapes differ.
    """
    left_out = [
        name
        for name in weights
        if name not in model and name.endswith('num_batches_tracked')
    ]
    unknown = [name for name in weights if name not in {*model, *left_out}]
    fresh = [name for name in model if name not in weights]
    missing = [
        name
        for name in fresh
        if not name.startswith(_OWN)
        and class_table(name) is None
        and not name.endswith('num_batches_tracked')
    ]
    shapes = other_shapes(weights, model)
    for fault, names in (
        ('have no place in it', unknown),
        ('are needed, too', missing),
        ('have another shape', shapes),
    ):
        if names:
            raise ConversionError(
                f"the weights don't fit the config's model: {len(names)} {fault}: "
                f'{name_some(names)} (backbone and sizes of the config must be those '
                'of the weights)'
            )
    kept = {name: tensor for name, tensor in weights.items() if name in model}
    return Conversion(kept, {name: name for name in kept}, left_out, fresh)
