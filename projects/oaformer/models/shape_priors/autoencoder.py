"""The autoencoder of mask shapes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MASK_SIZE = 28
_CHANNELS = 8


class ShapeAutoencoder(nn.Module):
    """Codes of the shapes of masks, and masks of codes.

    The one of Xiao et al., Amodal Segmentation Based on Visible Region Segmentation and
    Shape Prior (AAAI 2021), after its released code: each stage halves the mask in the
    encoder and doubles it in the decoder, with 8 channels.

    Args:
        num_stages: Number of stages: 3 for codes of 8 x 4 x 4, 2 for 8 x 7 x 7.

    Raises:
        ValueError: If there are more stages than sides of 28 can be halved and doubled
            to again.
    """

    # padding of each stage of the decoder, so that 28 comes out
    _PADDINGS = {2: (1, 1), 3: (1, 0, 1)}

    def __init__(self, num_stages: int = 3) -> None:
        super().__init__()
        if num_stages not in self._PADDINGS:
            raise ValueError(
                f'num_stages is one of {sorted(self._PADDINGS)}, not {num_stages}'
            )
        self.encoder = nn.ModuleList(
            nn.Conv2d(_CHANNELS if stage else 1, _CHANNELS, 3, 2, 1)
            for stage in range(num_stages)
        )
        self.decoder = nn.ModuleList(
            nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=padding)
            for padding in self._PADDINGS[num_stages]
        )
        self.predictor = nn.Conv2d(_CHANNELS, 1, 3, padding=1)
        for conv in (*self.encoder, *self.decoder):
            # few of the few channels are to start, and stay, at 0
            nn.init.orthogonal_(conv.weight, gain=2**0.5)
            nn.init.constant_(conv.bias, 0.05)
        side = {2: 7, 3: 4}[num_stages]
        self.latent_shape = (_CHANNELS, side, side)

    @property
    def code_size(self) -> int:
        """Numbers of a code."""
        return _CHANNELS * self.latent_shape[1] * self.latent_shape[2]

    def encode(self, masks: Tensor) -> Tensor:
        """Codes of masks.

        Args:
            masks: Bool, or probabilities, (N, 28, 28).

        Returns:
            (N, code_size).
        """
        # (N, h, w) -> (N, 1, h, w)
        x = masks.to(self.predictor.weight.dtype)[:, None]
        for conv in self.encoder:
            x = conv(x).relu()
        return x.flatten(1)

    def decode(self, codes: Tensor) -> Tensor:
        """Masks of codes, as probabilities.

        Args:
            codes: (..., code_size).

        Returns:
            (..., 28, 28).
        """
        # (..., code_size) -> (N, 8, side, side)
        x = codes.reshape(-1, *self.latent_shape)
        for conv in self.decoder:
            x = F.interpolate(x, scale_factor=2, mode='bilinear', align_corners=True)
            x = conv(x).relu()
        masks = self.predictor(x).sigmoid()
        # (N, 1, h, w) -> (..., h, w)
        return masks.reshape(*codes.shape[:-1], MASK_SIZE, MASK_SIZE)


def mask_ious(first: Tensor, second: Tensor) -> Tensor:
    """IoU of masks with each other, 0 where both are empty.

    Args:
        first: Bool, (N, H, W).
        second: The same.

    Returns:
        (N,).
    """
    intersection = (first & second).flatten(1).sum(dim=1)
    union = (first | second).flatten(1).sum(dim=1)
    return intersection / union.clamp(min=1)


@torch.no_grad()
def reconstruction_ious(
    autoencoder: ShapeAutoencoder, masks: Tensor, chunk: int = 4096
) -> Tensor:
    """IoU of each mask with what is decoded of its code, (N,).

    Args:
        autoencoder: The autoencoder.
        masks: Bool, (N, 28, 28).
        chunk: Masks at once.
    """
    return torch.cat(
        [
            mask_ious(autoencoder.decode(autoencoder.encode(part)) > 0.5, part)
            for part in masks.split(chunk)
        ]
    )
