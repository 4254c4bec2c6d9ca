"""AISFormer's mask head."""

import torch
from mmcv.cnn import ConvModule
from mmdet.models.layers import (
    MLP,
    DetrTransformerDecoderLayer,
    DetrTransformerEncoderLayer,
)
from mmdet.models.layers.positional_encoding import LearnedPositionalEncoding
from mmdet.registry import MODELS
from mmengine.model import kaiming_init, normal_init, xavier_init
from torch import Tensor, nn

from ...layers import attend
from .occluder_mask_head import OccluderMaskHead


@MODELS.register_module()
class AISFormerMaskHead(OccluderMaskHead):
    """Mask queries of visible, occluder and amodal mask on the features of a RoI.

    Tran et al., AISFormer: Amodal Instance Segmentation with Transformer (BMVC 2022),
    after its released code. The layers are MMDetection's DETR layers, run with fused
    attention, which does not keep weights of 784 x 784 pixels for every RoI. A fourth
    query of the released code is left out: it has no output, and in a decoder's first
    layer, whose values are zeros, the others get nothing from it.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the RoI features, and of all layers.
        feedforward_channels: Hidden channels of the transformer layers.
        num_heads: Heads of the attention.
        dropout: Dropout of the transformer layers.
        loss_weights: See :class:`BaseAmodalMaskHead`; 0.25 for the occluder and the
            invisible mask where not named.
        occluder_rule: See :class:`OccluderMaskHead`.
    """

    branches = ('amodal', 'visible', 'occluder', 'invisible')

    def __init__(
        self,
        num_classes: int = 80,
        in_channels: int = 256,
        feedforward_channels: int = 2048,
        num_heads: int = 2,
        dropout: float = 0.1,
        loss_weights: dict[str, float] | None = None,
        occluder_rule: str = 'neighbours',
    ) -> None:
        super().__init__(
            occluder_rule,
            num_classes=num_classes,
            class_agnostic=True,
            loss_weights=dict(occluder=0.25, invisible=0.25) | dict(loss_weights or {}),
        )
        channels = in_channels

        def attention() -> dict:
            return dict(embed_dims=channels, num_heads=num_heads, dropout=dropout)

        ffn = dict(
            embed_dims=channels,
            feedforward_channels=feedforward_channels,
            ffn_drop=dropout,
        )
        self.conv = ConvModule(channels, channels, 3, padding=1)
        self.upsample = nn.ConvTranspose2d(channels, channels, 2, 2)
        self.position = LearnedPositionalEncoding(channels // 2)
        self.query_embed = nn.Embedding(3, channels)
        self.encoder = DetrTransformerEncoderLayer(attention(), ffn)
        self.decoder = DetrTransformerDecoderLayer(attention(), attention(), ffn)
        self.pixel_norm = nn.LayerNorm(channels)
        self.pixel_conv = nn.Conv2d(channels, channels, 1)
        self.mask_embed = MLP(channels, channels, channels, 3)
        self.invisible_embed = MLP(2 * channels, channels, channels, 2)

    def init_weights(self) -> None:
        """As the released code."""
        super().init_weights()
        kaiming_init(self.upsample)
        normal_init(self.pixel_conv, std=0.001)
        for mlp in (self.mask_embed, self.invisible_embed):
            for layer in mlp.layers:
                xavier_init(layer, distribution='uniform')

    def forward(self, x: Tensor) -> Tensor:
        """See :meth:`BaseAmodalMaskHead.forward`."""
        x = self.upsample(self.conv(x)).relu()
        size = x.shape[-2:]
        # (1, h, w) -> (1, C, h, w) -> (1, h * w, C)
        position = self.position(x.new_zeros((1, *size))).flatten(2).transpose(1, 2)
        # (N, C, h, w) -> (N, h * w, C)
        roi = x.flatten(2).transpose(1, 2)
        pixels = self._encode(roi, position)
        queries = self._decode(pixels, position)
        # (N, h * w, C) -> (N, C, h, w)
        pixels = self.pixel_norm(pixels + roi).transpose(1, 2).unflatten(2, size)
        pixels = self.pixel_conv(pixels)
        visible, occluder, amodal = self.mask_embed(queries).unbind(1)
        invisible = self.invisible_embed(torch.cat([amodal, visible], dim=-1))
        embeds = torch.stack([amodal, visible, occluder, invisible], dim=1)
        return torch.einsum('nbc,nchw->nbhw', embeds, pixels)

    def _encode(self, pixels: Tensor, position: Tensor) -> Tensor:
        layer, positioned = self.encoder, pixels + position
        attended = attend(layer.self_attn, positioned, positioned, pixels)
        pixels = layer.norms[0](pixels + attended)
        return layer.norms[1](layer.ffn(pixels))

    def _decode(self, pixels: Tensor, position: Tensor) -> Tensor:
        """The queries after one layer, (N, 3, C); they start as zeros."""
        layer = self.decoder
        embed = self.query_embed.weight.expand(len(pixels), -1, -1)
        query = torch.zeros_like(embed)
        attended = attend(layer.self_attn, query + embed, query + embed, query)
        query = layer.norms[0](query + attended)
        attended = attend(layer.cross_attn, query + embed, pixels + position, pixels)
        query = layer.norms[1](query + attended)
        return layer.norms[2](layer.ffn(query))
