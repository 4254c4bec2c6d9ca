"""A pixel decoder that trades time for memory."""

import torch
from mmdet.models.layers import MSDeformAttnPixelDecoder
from mmdet.models.layers.transformer.mask2former_layers import (
    Mask2FormerTransformerEncoder,
)
from mmdet.registry import MODELS
from mmdet.utils import OptConfigType
from torch import Tensor
from torch.utils.checkpoint import checkpoint


class CheckpointedEncoder(Mask2FormerTransformerEncoder):
    """MMDetection's encoder whose layers are run again in the backward pass."""

    def forward(self, query: Tensor, **kwargs) -> Tensor:
        """Run the layers; see :class:`Mask2FormerTransformerEncoder`.

        Args:
            query: Features of all levels, (B, N, C).
            **kwargs: Further arguments of the layers.
        """
        for layer in self.layers:
            if torch.is_grad_enabled():
                query = checkpoint(layer, query=query, use_reentrant=False, **kwargs)
            else:
                query = layer(query=query, **kwargs)
        return query


@MODELS.register_module()
class CheckpointedPixelDecoder(MSDeformAttnPixelDecoder):
    """MMDetection's pixel decoder that keeps no activations of its encoder's layers.

    The same parameters, outputs and gradients as ``MSDeformAttnPixelDecoder``; the
    layers of deformable attention are computed twice in a training step. Use it with
    ``panoptic_head.pixel_decoder.type='CheckpointedPixelDecoder'``.

    Args:
        encoder: Config of the encoder.
        **kwargs: Arguments of ``MSDeformAttnPixelDecoder``.
    """

    def __init__(self, *args, encoder: OptConfigType = None, **kwargs) -> None:
        super().__init__(*args, encoder=encoder, **kwargs)
        self.encoder = CheckpointedEncoder(**encoder)
