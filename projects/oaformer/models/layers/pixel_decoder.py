"""Mask2Former's pixel decoder with deformable attention that is light on a CPU, too."""

import torch
from mmcv.cnn import build_norm_layer
from mmcv.cnn.bricks.transformer import FFN
from mmcv.ops import MultiScaleDeformableAttention
from mmdet.models.layers import MSDeformAttnPixelDecoder
from mmdet.models.layers.transformer.deformable_detr_layers import (
    DeformableDetrTransformerEncoderLayer,
)
from mmdet.models.layers.transformer.mask2former_layers import (
    Mask2FormerTransformerEncoder,
)
from mmdet.registry import MODELS
from mmdet.utils import ConfigType
from mmengine.model import ModuleList
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from .deformable_attention import deformable_attention


class DeformableSelfAttention(MultiScaleDeformableAttention):
    """MMCV's module, its parameters and its result, for an image without padding."""

    def forward(
        self,
        query: Tensor,
        query_pos: Tensor,
        reference_points: Tensor,
        spatial_shapes: Tensor,
        level_start_index: Tensor,
        **kwargs,
    ) -> Tensor:
        """Let every position look at a few points of every level.

        Args:
            query: Features of all levels, (B, N, C).
            query_pos: Their positional encodings, (B, N, C).
            reference_points: x and y of each position, 0 to 1, (B, N, L, 2).
            spatial_shapes: Height and width of each level, (L, 2).
            level_start_index: Where each level begins in N, (L,).
            **kwargs: Not used. ``key_padding_mask`` is all false here.

        Returns:
            (B, N, C), ``query`` added.
        """
        batch_size, num_queries, _ = query.shape
        positioned = query + query_pos
        # (B, N, C) -> (B, N, M, C / M)
        value = self.value_proj(query).view(batch_size, num_queries, self.num_heads, -1)
        points = (self.num_heads, self.num_levels, self.num_points)
        # (B, N, M * L * P * 2) -> (B, N, M, L, P, 2)
        offsets = self.sampling_offsets(positioned).view(
            batch_size, num_queries, *points, 2
        )
        # (B, N, M * L * P) -> (B, N, M, L * P) -> (B, N, M, L, P)
        weights = self.attention_weights(positioned)
        weights = weights.view(batch_size, num_queries, self.num_heads, -1)
        weights = weights.softmax(-1).view(batch_size, num_queries, *points)
        locations = (
            reference_points[:, :, None, :, None]
            + offsets / spatial_shapes.flip(-1)[:, None]
        )
        output = deformable_attention(
            value,
            spatial_shapes,
            level_start_index,
            locations,
            weights,
            self.im2col_step,
        )
        return self.dropout(self.output_proj(output)) + query


class PixelDecoderEncoderLayer(DeformableDetrTransformerEncoderLayer):
    """Deformable DETR's encoder layer with :class:`DeformableSelfAttention`."""

    def _init_layers(self) -> None:
        self.self_attn = DeformableSelfAttention(**self.self_attn_cfg)
        self.embed_dims = self.self_attn.embed_dims
        self.ffn = FFN(**self.ffn_cfg)
        self.norms = ModuleList(
            build_norm_layer(self.norm_cfg, self.embed_dims)[1] for _ in range(2)
        )


class PixelDecoderEncoder(Mask2FormerTransformerEncoder):
    """Mask2Former's encoder; its first ``num_cp`` layers keep no activations."""

    def _init_layers(self) -> None:
        self.layers = ModuleList(
            PixelDecoderEncoderLayer(**self.layer_cfg) for _ in range(self.num_layers)
        )
        self.embed_dims = self.layers[0].embed_dims

    def forward(self, query: Tensor, **kwargs) -> Tensor:
        """Run the layers; see :class:`Mask2FormerTransformerEncoder`.

        Args:
            query: Features of all levels, (B, N, C).
            **kwargs: Further arguments of the layers.
        """
        for index, layer in enumerate(self.layers):
            if index < self.num_cp and torch.is_grad_enabled():
                query = checkpoint(layer, query=query, use_reentrant=False, **kwargs)
            else:
                query = layer(query=query, **kwargs)
        return query


@MODELS.register_module()
class OAFormerPixelDecoder(MSDeformAttnPixelDecoder):
    """Mask2Former's pixel decoder.

    The same parameters, names, outputs and gradients as ``MSDeformAttnPixelDecoder``.
    Without CUDA its deformable attention takes a fraction of the time and memory (see
    :mod:`.deformable_attention`).

    Args:
        encoder: Config of the encoder. Its ``num_cp`` first layers are computed twice
            in a training step and keep no activations in between.
        **kwargs: Arguments of ``MSDeformAttnPixelDecoder``.
    """

    def __init__(self, *args, encoder: ConfigType, **kwargs) -> None:
        stock = encoder.copy()
        # MMDetection's own checkpointing needs fairscale
        stock.pop('num_cp', None)
        super().__init__(*args, encoder=stock, **kwargs)
        # takes the parameters that are there: a seed gives the same ones as in stock
        with torch.device('meta'):
            own = PixelDecoderEncoder(**encoder)
        own.load_state_dict(self.encoder.state_dict(), assign=True)
        self.encoder = own
