"""The occlusion embedding module (OEM)."""

from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn


@MODELS.register_module()
class OcclusionEmbeddingModule(BaseModule):
    """Turns queries into occlusion rates and occlusion-aware mask embeddings.

    Queries become occlusion embeddings, which go two ways: through an MLP to
    one occlusion-rate logit per query, and through another MLP to a mask
    embedding, whose product with ``mask_features`` is the occlusion-aware
    attention mask (OAFormer, section 2.4 and figure 3 left). The paper does
    not give the depth of the MLPs; those here follow Mask2Former's
    ``mask_embed``: two hidden layers in all on the way to the masks.

    Args:
        embed_dims: Channels C of the queries.
        out_channels: Channels of ``mask_features``.
        with_occlusion_rate: Whether rates are predicted. Off only where no
            loss would ever train them.
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
        """Occlusion-rate logits alone.

        Args:
            query: Normed query features, (B, Q, C).

        Returns:
            Logits, (B, Q).
        """
        return self.occlusion_rate(self.occlusion_embed(query)).squeeze(-1)
