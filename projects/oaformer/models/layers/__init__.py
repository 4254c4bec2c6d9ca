"""Masked-attention decoding and the occlusion distinguish module."""

from .checkpointed_pixel_decoder import CheckpointedPixelDecoder
from .masked_attention import (
    DecoderMemory,
    DecoderStage,
    binary_attention_mask,
    masked_attention_stages,
    resize_mask_features,
    soft_attention_mask,
)
from .occlusion_distinguish_module import OcclusionDistinguishModule, OcclusionStages
from .occlusion_embedding_module import OcclusionEmbeddingModule

__all__ = [
    'CheckpointedPixelDecoder',
    'DecoderMemory',
    'DecoderStage',
    'OcclusionDistinguishModule',
    'OcclusionEmbeddingModule',
    'OcclusionStages',
    'binary_attention_mask',
    'masked_attention_stages',
    'resize_mask_features',
    'soft_attention_mask',
]
