"""From MMDetection's Mask2Former to OAFormer.

Mask2Former's decoder becomes two: its first layers are those of the ODM, the rest are
the amodal decoder. Parameters that both have are copied to both. The occlusion
embedding module's branch to the attention masks has the layers of ``mask_embed``, so
the ODM starts with Mask2Former's own attention masks, and with binary ones the whole
model computes the same as Mask2Former. Only the occlusion rates are not initialised.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from .conversion import Conversion, ConversionError, name_some, other_shapes

HEAD = 'panoptic_head.'
_ODM = HEAD + 'odm.'
_LAYER = re.compile(r'panoptic_head\.transformer_decoder\.layers\.(\d+)\.(.+)')
_ODM_LAYER = re.compile(r'panoptic_head\.odm\.transformer_decoder\.layers\.(\d+)\.(.+)')
_POST_NORM = HEAD + 'transformer_decoder.post_norm.'
_MASK_EMBED = HEAD + 'mask_embed.'
_VISIBLE_MASK_EMBED = HEAD + 'visible_mask_embed.'
# layers of mask_embed, and where the occlusion embedding module has the same ones
_OCCLUSION_EMBEDDING = {
    '0': _ODM + 'occlusion_embedding.occlusion_embed.0',
    '2': _ODM + 'occlusion_embedding.mask_embed.0',
    '4': _ODM + 'occlusion_embedding.mask_embed.2',
}
_COUNTER = 'num_batches_tracked'
_MAY_BE_FRESH = (_ODM + 'occlusion_embedding.occlusion_rate.', HEAD + 'cls_embed.')


def convert_mask2former(
    weights: Mapping[str, Tensor], model: Mapping[str, Tensor]
) -> Conversion:
    """Copy weights of Mask2Former to their places in OAFormer.

    How many layers the ODM has, if there is one, and whether there are visible masks is
    read from the names of ``model``.

    Args:
        weights: Tensors of MMDetection's ``Mask2Former``, by name. Without
            ``cls_embed`` the model's classes start afresh.
        model: State of the OAFormer that they are for.

    Returns:
        The weights of ``model``. Left out are counters of batch norms that it does not
        have; fresh are the occlusion rates and a missing ``cls_embed``.

    Raises:
        ConversionError: If a tensor has no place, a place no tensor, or shapes differ.
    """
    num_odm_layers = _count_layers(_ODM_LAYER, model)
    _check_depth(_count_layers(_LAYER, weights), num_odm_layers, model)
    converted, sources, left_out, unknown = {}, {}, [], []
    for name, tensor in weights.items():
        places = [place for place in _places(name, num_odm_layers) if place in model]
        if places:
            converted.update(dict.fromkeys(places, tensor))
            sources.update(dict.fromkeys(places, name))
        elif name.endswith(_COUNTER):
            left_out.append(name)
        else:
            unknown.append(name)
    fresh = [name for name in model if name not in converted]
    missing = [
        name
        for name in fresh
        if not name.startswith(_MAY_BE_FRESH) and not name.endswith(_COUNTER)
    ]
    _check_fit(converted, model, unknown, missing)
    return Conversion(converted, sources, left_out, fresh)


def _places(name: str, num_odm_layers: int) -> list[str]:
    """Every name under which OAFormer may have the tensor that Mask2Former has here."""
    layer = _LAYER.fullmatch(name)
    if layer:
        number, rest = int(layer[1]), layer[2]
        if number < num_odm_layers:
            return [f'{_ODM}transformer_decoder.layers.{number}.{rest}']
        number -= num_odm_layers
        return [f'{HEAD}transformer_decoder.layers.{number}.{rest}']
    if name.startswith(_POST_NORM):
        return [name, _ODM + name.removeprefix(HEAD)]
    if name.startswith(_MASK_EMBED):
        number, rest = name.removeprefix(_MASK_EMBED).split('.', 1)
        return [
            name,
            # COCO's masks are visible ones
            f'{_VISIBLE_MASK_EMBED}{number}.{rest}',
            f'{_OCCLUSION_EMBEDDING.get(number)}.{rest}',
        ]
    return [name]


def _count_layers(pattern: re.Pattern, names: Mapping[str, Tensor]) -> int:
    return len({found[1] for found in map(pattern.fullmatch, names) if found})


def _check_depth(num_layers: int, num_odm_layers: int, model: Mapping) -> None:
    num_amodal_layers = _count_layers(_LAYER, model)
    if num_layers != num_odm_layers + num_amodal_layers:
        raise ConversionError(
            f'the weights have {num_layers} decoder layers, the config has '
            f'{num_odm_layers} (panoptic_head.odm.num_layers) + {num_amodal_layers} '
            '(panoptic_head.transformer_decoder.num_layers): together they must be '
            'as many'
        )


def _check_fit(
    converted: Mapping[str, Tensor],
    model: Mapping[str, Tensor],
    unknown: list[str],
    missing: list[str],
) -> None:
    faults = []
    if unknown:
        faults.append(f'{len(unknown)} have no place in it: {name_some(unknown)}')
    if missing:
        faults.append(f'it also needs {len(missing)}: {name_some(missing)}')
    shapes = other_shapes(converted, model)
    if shapes:
        faults.append(f'{len(shapes)} have another shape: {name_some(shapes)}')
    if not faults:
        return
    hint = 'backbone and sizes of the config must be those of the weights'
    queries = converted.get(HEAD + 'query_feat.weight')
    if queries is not None and len(queries) != len(model[HEAD + 'query_feat.weight']):
        hint += f', here with model.panoptic_head.num_queries={len(queries)}'
    raise ConversionError(
        f"the weights don't fit the config's model: {'; '.join(faults)} ({hint})"
    )
