"""Output of the OAFormer head."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor


class OAFormerOutput(NamedTuple):
    """Output of the head, one entry per stage: initial, then each layer.

    Masks are not built here. The masks of a stage are ``mask_embeds[stage]``
    times ``mask_features``; losses and fusion head build only what they need.

    Attributes:
        cls_scores: Class logits, background last, (B, Q, K + 1) each.
        mask_embeds: Mask embeddings, (B, Q, C) each.
        mask_features: Features of the pixel decoder, (B, C, H/4, W/4).
        occlusion_logits: Occlusion-rate logits, (B, Q) each, of every stage or of
            the ODM's, which come first. Empty without ODM or without occlusion
            loss. The last one belongs to the final prediction.
        visible_mask_embeds: Embeddings of the visible masks, (B, Q, C) each, of the
            amodal decoder's layers, which come last. Empty where no visible masks
            are predicted.
    """

    cls_scores: Sequence[Tensor]
    mask_embeds: Sequence[Tensor]
    mask_features: Tensor
    occlusion_logits: Sequence[Tensor]
    visible_mask_embeds: Sequence[Tensor] = ()

    def float(self) -> 'OAFormerOutput':
        """The same in float32."""
        fields = self._replace(mask_features=[self.mask_features])
        fields = OAFormerOutput(*([x.float() for x in field] for field in fields))
        return fields._replace(mask_features=fields.mask_features[0])

    def split(self, num_queries: int) -> tuple['OAFormerOutput', 'OAFormerOutput']:
        """The same for the first queries, and for the others."""
        return tuple(
            OAFormerOutput(
                *(
                    field if isinstance(field, Tensor) else [x[:, part] for x in field]
                    for field in self
                )
            )
            for part in (slice(num_queries), slice(num_queries, None))
        )

    def final_tensors(self) -> dict[str, Tensor]:
        """The final prediction by the fields' names, without those that are empty."""
        return {
            name: value if isinstance(value, Tensor) else value[-1]
            for name, value in self._asdict().items()
            if len(value)
        }
