"""From the names of Mask2Former's original release to MMDetection's.

The original release (facebookresearch/Mask2Former) is built on detectron2. Both
have the same modules in the same order, the levels of pixel decoder and transformer
decoder from coarse to fine included, so that apart from Swin's patch merging nothing
but names differs. The names are those of its ``pixel_decoder/msdeformattn.py``,
``transformer_decoder/mask2former_transformer_decoder.py`` and ``backbone/swin.py``
and of detectron2's ``modeling/backbone/resnet.py``.
"""

import re
from collections.abc import Mapping

from mmdet.models.backbones.swin import swin_converter
from torch import Tensor

from .conversion import Conversion, ConversionError, name_some
from .mask2former import HEAD

ORIGINAL_HEAD = 'sem_seg_head.'

# The original release renames these when it reads its older files.
_OLDER_NAMES = (
    (r'\.static_query\.', r'.query_feat.'),
    (r'^sem_seg_head\.(?!pixel_decoder\.|predictor\.)', r'sem_seg_head.pixel_decoder.'),
)

# Buffers of its loss and, in early files, of its input normalisation.
_NO_WEIGHTS = re.compile(r'criterion\.empty_weight|pixel_mean|pixel_std')

_PIXEL_DECODER = (
    (r'input_proj\.(\d+)\.0\.', r'input_convs.\1.conv.'),
    (r'input_proj\.(\d+)\.1\.', r'input_convs.\1.gn.'),
    (r'transformer\.level_embed$', r'level_encoding.weight'),
    (
        r'transformer\.encoder\.layers\.(\d+)\.self_attn\.',
        r'encoder.layers.\1.self_attn.',
    ),
    (r'transformer\.encoder\.layers\.(\d+)\.norm1\.', r'encoder.layers.\1.norms.0.'),
    (r'transformer\.encoder\.layers\.(\d+)\.norm2\.', r'encoder.layers.\1.norms.1.'),
    (
        r'transformer\.encoder\.layers\.(\d+)\.linear1\.',
        r'encoder.layers.\1.ffn.layers.0.0.',
    ),
    (
        r'transformer\.encoder\.layers\.(\d+)\.linear2\.',
        r'encoder.layers.\1.ffn.layers.1.',
    ),
    # one level is finer than those of the encoder: all releases have stride 4
    (r'adapter_1\.norm\.', r'lateral_convs.0.gn.'),
    (r'adapter_1\.(?!norm)', r'lateral_convs.0.conv.'),
    (r'layer_1\.norm\.', r'output_convs.0.gn.'),
    (r'layer_1\.(?!norm)', r'output_convs.0.conv.'),
    (r'mask_features\.', r'mask_feature.'),
)

_LAYER = r'transformer_decoder.layers.\1.'
_PREDICTOR = (
    (
        r'transformer_cross_attention_layers\.(\d+)\.multihead_attn\.',
        _LAYER + 'cross_attn.attn.',
    ),
    (r'transformer_cross_attention_layers\.(\d+)\.norm\.', _LAYER + 'norms.0.'),
    (
        r'transformer_self_attention_layers\.(\d+)\.self_attn\.',
        _LAYER + 'self_attn.attn.',
    ),
    (r'transformer_self_attention_layers\.(\d+)\.norm\.', _LAYER + 'norms.1.'),
    (r'transformer_ffn_layers\.(\d+)\.linear1\.', _LAYER + 'ffn.layers.0.0.'),
    (r'transformer_ffn_layers\.(\d+)\.linear2\.', _LAYER + 'ffn.layers.1.'),
    (r'transformer_ffn_layers\.(\d+)\.norm\.', _LAYER + 'norms.2.'),
    (r'decoder_norm\.', r'transformer_decoder.post_norm.'),
    (r'query_feat\.', r'query_feat.'),
    (r'query_embed\.', r'query_embed.'),
    (r'level_embed\.', r'level_embed.'),
    (r'input_proj\.(\d+)\.', r'decoder_input_projs.\1.'),
    (r'class_embed\.', r'cls_embed.'),
    # the same three layers, with the activations between them counted
    (r'mask_embed\.layers\.0\.', r'mask_embed.0.'),
    (r'mask_embed\.layers\.1\.', r'mask_embed.2.'),
    (r'mask_embed\.layers\.2\.', r'mask_embed.4.'),
)

# detectron2's stages are res2 to res5, MMDetection's layer1 to layer4.
_RESNET = (
    (r'stem\.conv1\.norm\.', r'bn1.'),
    (r'stem\.conv1\.(?!norm)', r'conv1.'),
    *(
        rule
        for stage in (2, 3, 4, 5)
        for rule in (
            (
                rf'res{stage}\.(\d+)\.shortcut\.norm\.',
                rf'layer{stage - 1}.\1.downsample.1.',
            ),
            (
                rf'res{stage}\.(\d+)\.shortcut\.(?!norm)',
                rf'layer{stage - 1}.\1.downsample.0.',
            ),
            (rf'res{stage}\.(\d+)\.conv([123])\.norm\.', rf'layer{stage - 1}.\1.bn\2.'),
            (
                rf'res{stage}\.(\d+)\.conv([123])\.(?!norm)',
                rf'layer{stage - 1}.\1.conv\2.',
            ),
        )
    ),
)

_RULES = tuple(
    (re.compile('^' + re.escape(before) + pattern), after + replacement)
    for before, after, rules in (
        ('sem_seg_head.pixel_decoder.', 'panoptic_head.pixel_decoder.', _PIXEL_DECODER),
        ('sem_seg_head.predictor.', 'panoptic_head.', _PREDICTOR),
        ('backbone.', 'backbone.', _RESNET),
    )
    for pattern, replacement in rules
)

_SWIN = re.compile(r'backbone\.((?:layers|patch_embed|norm\d|absolute_pos_embed)\b.*)')


def with_mmdetection_names(weights: Mapping[str, Tensor]) -> Conversion:
    """Rename Mask2Former's weights of either release to MMDetection's names.

    Args:
        weights: Tensors of MMDetection's or the original Mask2Former, by name.

    Returns:
        The same under the names of MMDetection's ``Mask2Former``. Nothing is fresh.

    Raises:
        ConversionError: If they belong to another model, or names are unknown.
    """
    if any(name.startswith(ORIGINAL_HEAD) for name in weights):
        return convert_original_release(weights)
    if not any(name.startswith(HEAD) for name in weights):
        raise ConversionError(
            f"these are not weights of Mask2Former: no name starts with '{HEAD}' "
            f"(MMDetection) or '{ORIGINAL_HEAD}' (original release). Names are "
            f'{name_some(weights)}'
        )
    if any(name.startswith(HEAD + 'odm.') for name in weights):
        raise ConversionError(
            "these are OAFormer's weights already: give them to load_from as they are"
        )
    return Conversion(dict(weights), {name: name for name in weights}, [], [])


def convert_original_release(weights: Mapping[str, Tensor]) -> Conversion:
    """Rename weights of the original release to MMDetection's names.

    Args:
        weights: Tensors of a model with a ResNet or Swin backbone, by name.

    Returns:
        The same under the names of MMDetection's ``Mask2Former``. Nothing is fresh.

    Raises:
        ConversionError: If names are unknown, or two would become one.
    """
    converted, sources, left_out, unknown = {}, {}, [], []
    for name, tensor in weights.items():
        if _NO_WEIGHTS.fullmatch(name):
            left_out.append(name)
            continue
        new_name, tensor = _convert(name, tensor)
        if new_name is None:
            unknown.append(name)
        elif new_name in sources:
            raise ConversionError(f'{name} and {sources[new_name]} are both {new_name}')
        else:
            converted[new_name], sources[new_name] = tensor, name
    if unknown:
        raise ConversionError(
            f"{len(unknown)} names are unknown in Mask2Former's original release "
            f'with a ResNet or Swin backbone: {name_some(unknown)}'
        )
    return Conversion(converted, sources, left_out, [])


def _convert(name: str, tensor: Tensor) -> tuple[str | None, Tensor]:
    for pattern, replacement in _OLDER_NAMES:
        name = re.sub(pattern, replacement, name)
    swin = _SWIN.fullmatch(name)
    if swin:
        # MMDetection's own: it also brings patch merging to its order of pixels
        ((name, tensor),) = swin_converter({swin[1]: tensor}).items()
        return name, tensor
    for pattern, replacement in _RULES:
        new_name, count = pattern.subn(replacement, name)
        if count:
            return new_name, tensor
    return None, tensor
