"""The occlusion distinguish module (ODM) and its embedding module (OEM)."""

from collections.abc import Sequence

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


@MODELS.register_module()
class OcclusionEmbeddingModule(BaseModule):
    """Turns queries into occlusion rates and occlusion-aware mask embeddings.

    Queries become occlusion embeddings. From these one MLP makes an occlusion-rate
    logit per query, another a mask embedding, whose product with ``mask_features`` is
    the occlusion-aware attention mask (OAFormer, section 2.4 and figure 3 left). The
    paper does not give the depth of the MLPs; here it is that of Mask2Former's
    ``mask_embed``: two hidden layers in all on the way to the masks.

    Args:
        embed_dims: Channels C of the queries.
        out_channels: Channels of ``mask_features``.
        with_occlusion_rate: Whether rates are predicted.
    """

    def __init__(
        self,
        embed_dims: int = 256,
        out_channels: int = 256,
        with_occlusion_rate: bool = True,
    ) -> None:
        super().__init__()
        self.occlusion_embed = nn.Sequential(
            nn.Linear(embed_dims, embed_dims), nn.ReLU(inplace=True)
        )
        self.mask_embed = nn.Sequential(
            nn.Linear(embed_dims, embed_dims),
            nn.ReLU(inplace=True),
            nn.Linear(embed_dims, out_channels),
        )
        self.occlusion_rate = None
        if with_occlusion_rate:
            self.occlusion_rate = nn.Sequential(
                nn.Linear(embed_dims, embed_dims),
                nn.ReLU(inplace=True),
                nn.Linear(embed_dims, 1),
            )

    def forward(self, query: Tensor) -> tuple[Tensor, Tensor | None]:
        """Embed queries.

        Args:
            query: Normed query features, (B, Q, C).

        Returns:
            Mask embeddings, (B, Q, out_channels), and occlusion-rate logits,
            (B, Q), or None. The rate is their sigmoid.
        """
        embedding = self.occlusion_embed(query)
        mask_embed = self.mask_embed(embedding)
        if self.occlusion_rate is None:
            return mask_embed, None
        return mask_embed, self.occlusion_rate(embedding).squeeze(-1)

    def occlusion_logits(self, query: Tensor) -> Tensor:
        """Occlusion-rate logits alone, (B, Q), of normed queries (B, Q, C)."""
        return self.occlusion_rate(self.occlusion_embed(query)).squeeze(-1)


@MODELS.register_module()
class OcclusionDistinguishModule(BaseModule):
    """OEM -> transformer decoder -> OEM (OAFormer, section 2.4 and figure 3).

    One embedding module is applied to the queries before, between and after the layers
    of a masked-attention decoder. Each time it predicts the queries' occlusion rates
    and the attention mask of the next layer; the last mask is for the decoder that
    follows.

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

    def init_weights(self) -> None:
        """Initialise the decoder as Mask2Former initialises its own."""
        for parameter in self.transformer_decoder.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_normal_(parameter)

    def forward(
        self,
        query: Tensor,
        query_embed: Tensor,
        memory: DecoderMemory,
        self_mask: Tensor | None = None,
        prompt_masks: Sequence[Tensor] = (),
    ) -> tuple[list[DecoderStage], list[Tensor]]:
        """Make queries occlusion-aware.

        Args:
            query: Initial query features, (B, Q, C).
            query_embed: Their positional embedding, (1 or B, Q, C).
            memory: The features to attend to.
            self_mask: See :func:`masked_attention_stages`.
            prompt_masks: See :func:`masked_attention_stages`.

        Returns:
            The stages before the first layer and after each, num_layers + 1 of them,
            and the occlusion-rate logits of each, (B, Q); no logits where no rates are
            predicted.
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
            attention_mask=self.attention_mask,
            self_mask=self_mask,
            prompt_masks=prompt_masks,
        )
        return [first, *following], occlusion_logits
