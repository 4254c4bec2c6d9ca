"""The occlusion distinguish module (ODM)."""

from typing import NamedTuple

from mmdet.models.layers import Mask2FormerTransformerDecoder
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from torch import Tensor, nn

from .masked_attention import (
    ATTENTION_MASKS,
    DecoderMemory,
    DecoderStage,
    check_layer_cfg,
    masked_attention_stages,
)
from .occlusion_embedding_module import OcclusionEmbeddingModule


class OcclusionStages(NamedTuple):
    """Output of the ODM before its first layer and after each layer.

    Attributes:
        stages: Queries and mask embeddings, num_layers + 1 of them.
        occlusion_logits: Occlusion-rate logits of each stage, (B, Q) each;
            empty where no rates are predicted.
    """

    stages: list[DecoderStage]
    occlusion_logits: list[Tensor]


@MODELS.register_module()
class OcclusionDistinguishModule(BaseModule):
    """OEM -> transformer decoder -> OEM (OAFormer, section 2.4 and figure 3).

    One occlusion embedding module is applied to the queries before, between and
    after the layers of a masked-attention decoder. Each time it predicts every
    query's occlusion rate and the attention mask of the next layer; the last
    mask is for the decoder that follows, which can be any that works on queries.

    Args:
        layer_cfg: Config of MMDetection's Mask2Former decoder layer.
        num_layers: Number of layers. The paper gives none; three visit each of
            Mask2Former's levels once.
        attention_mask: 'binary', Mask2Former's own form, or 'soft', the
            additive log-probability.
        embed_dims: Channels C of the queries.
        out_channels: Channels of ``mask_features``.
        with_occlusion_rate: Whether rates are predicted.

    Raises:
        ValueError: If ``attention_mask`` is neither of the two, or ``layer_cfg`` is
            not supported; see :func:`check_layer_cfg`.
    """

    def __init__(
        self,
        layer_cfg: ConfigDict,
        num_layers: int = 3,
        attention_mask: str = 'binary',
        embed_dims: int = 256,
        out_channels: int = 256,
        with_occlusion_rate: bool = True,
    ) -> None:
        super().__init__()
        if attention_mask not in ATTENTION_MASKS:
            raise ValueError(
                f'odm.attention_mask must be one of {sorted(ATTENTION_MASKS)}, '
                f'not {attention_mask!r}'
            )
        check_layer_cfg(layer_cfg)
        self.attention_mask = ATTENTION_MASKS[attention_mask]
        self.transformer_decoder = Mask2FormerTransformerDecoder(
            num_layers=num_layers, layer_cfg=layer_cfg
        )
        self.occlusion_embedding = OcclusionEmbeddingModule(
            embed_dims, out_channels, with_occlusion_rate
        )

    @property
    def num_layers(self) -> int:
        """Number of transformer decoder layers."""
        return len(self.transformer_decoder.layers)

    def init_weights(self) -> None:
        """Initialise the decoder as Mask2Former initialises its own."""
        for parameter in self.transformer_decoder.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_normal_(parameter)

    def forward(
        self, query: Tensor, query_embed: Tensor, memory: DecoderMemory
    ) -> OcclusionStages:
        """Make queries occlusion-aware.

        Args:
            query: Initial query features, (B, Q, C).
            query_embed: Their positional embedding, (1 or B, Q, C).
            memory: The features to attend to.

        Returns:
            Every stage, with its occlusion-rate logits.
        """
        occlusion_logits = []

        def embed_masks(normed_query: Tensor) -> Tensor:
            mask_embed, logits = self.occlusion_embedding(normed_query)
            if logits is not None:
                occlusion_logits.append(logits)
            return mask_embed

        normed_query = self.transformer_decoder.post_norm(query)
        first = DecoderStage(query, normed_query, embed_masks(normed_query))
        following = masked_attention_stages(
            self.transformer_decoder,
            first,
            query_embed,
            memory,
            embed_masks,
            attention_masks=[self.attention_mask] * self.num_layers,
        )
        return OcclusionStages([first, *following], occlusion_logits)
