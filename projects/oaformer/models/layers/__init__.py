"""Masked-attention decoding and the occlusion distinguish module."""

from .attention import attend
from .deformable_attention import deformable_attention
from .masked_attention import (
    DecoderMemory,
    DecoderStage,
    binary_attention_mask,
    check_layer_cfg,
    masked_attention_stages,
    resize_mask_features,
    soft_attention_mask,
)
from .occlusion_distinguish_module import (
    OcclusionDistinguishModule,
    OcclusionEmbeddingModule,
)
from .pixel_decoder import OAFormerPixelDecoder
from .prompt_encoder import PromptEncoder, self_attention_mask

__all__ = [
    'attend',
    'DecoderMemory',
    'DecoderStage',
    'OAFormerPixelDecoder',
    'OcclusionDistinguishModule',
    'OcclusionEmbeddingModule',
    'PromptEncoder',
    'binary_attention_mask',
    'check_layer_cfg',
    'deformable_attention',
    'masked_attention_stages',
    'resize_mask_features',
    'self_attention_mask',
    'soft_attention_mask',
]
