"""Shape priors out of annotated masks."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from mmdet.structures.mask import BitmapMasks
from scipy.cluster.vq import kmeans2
from torch import Tensor

from ...structures.rle import decode_columns
from .autoencoder import MASK_SIZE, ShapeAutoencoder

_BATCH_SIZE = 32
_LEARNING_RATE = 0.02
_KMEANS_ITERATIONS = 10


def box_crops(masks: Iterable[tuple[Mapping, Sequence[float]]]) -> Tensor:
    """Each mask inside its box, as mask heads have it for their target.

    Args:
        masks: Mask (RLE) and box (x1, y1, x2, y2 in pixels) of each object.

    Returns:
        Bool, (N, 28, 28).
    """
    crops = []
    for rle, (x1, y1, x2, y2) in masks:
        # only the box's columns, and one more where its border is a fraction
        left = max(int(x1), 0)
        right = min(int(np.ceil(x2)) + 1, rle['size'][1])
        region = decode_columns(rle, left, right)
        box = np.array([[x1 - left, y1, x2 - left, y2]], np.float32)
        crop = BitmapMasks(region[None], *region.shape).crop_and_resize(
            box, (MASK_SIZE, MASK_SIZE), np.zeros(1, np.int64)
        )
        crops.append(crop.masks)
    if not crops:
        return torch.zeros((0, MASK_SIZE, MASK_SIZE), dtype=torch.bool)
    return torch.from_numpy(np.concatenate(crops)).bool()


def dihedral(masks: Tensor) -> Tensor:
    """The eight turned and mirrored variants of masks.

    Args:
        masks: (N, h, h).

    Returns:
        (8, N, h, h), the masks themselves first.
    """
    turned = [masks.rot90(turns, (-2, -1)) for turns in range(4)]
    return torch.stack(turned + [each.flip(-1) for each in turned])


def train_autoencoder(
    autoencoder: ShapeAutoencoder,
    masks: Tensor,
    iterations: int,
    variants: bool = True,
    seed: int = 0,
    progress: Callable[[range], Iterable[int]] = iter,
) -> None:
    """Train an autoencoder to reconstruct masks, with the binary cross-entropy.

    Args:
        autoencoder: What to train.
        masks: Bool, (N, 28, 28), N > 0.
        iterations: Steps of 32 masks.
        variants: Whether masks are turned and mirrored at random.
        seed: Of the order of the masks and of their variants.
        progress: Goes through the steps, as a progress bar does.
    """
    # twice as fast with so few channels, on a CPU
    autoencoder.to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(autoencoder.parameters(), betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _LEARNING_RATE, iterations, cycle_momentum=False
    )
    for _ in progress(range(iterations)):
        batch = masks[torch.randint(len(masks), (_BATCH_SIZE,), generator=generator)]
        if variants:
            choice = torch.randint(8, (_BATCH_SIZE,), generator=generator)
            batch = dihedral(batch)[choice, torch.arange(_BATCH_SIZE)]
        loss = F.binary_cross_entropy(
            autoencoder.decode(autoencoder.encode(batch)), batch.float()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    autoencoder.to(memory_format=torch.contiguous_format)


@torch.no_grad()
def class_codes(
    autoencoder: ShapeAutoencoder,
    masks: Tensor,
    most: int,
    variants: bool = True,
    seed: int = 0,
) -> Tensor:
    """Codes that stand for the shapes of a class.

    Args:
        autoencoder: The trained autoencoder.
        masks: Masks of the class, bool, (N, 28, 28).
        most: Largest number of codes.
        variants: Whether turned and mirrored shapes count, too.
        seed: Of the choice among many masks and of K-means' start.

    Returns:
        (count, code_size): the code of every distinct shape, or, where these are more
        than ``most``, the centres of K-means among at most 50,000 of them.
    """
    if variants:
        masks = dihedral(masks).flatten(0, 1)
    # (N, h, w) -> (N, h * w)
    masks = masks.flatten(1).unique(dim=0).unflatten(1, (MASK_SIZE, MASK_SIZE))
    rng = np.random.default_rng(seed)
    if len(masks) > 50_000:
        masks = masks[rng.choice(len(masks), 50_000, replace=False)]
    codes = torch.cat([autoencoder.encode(part) for part in masks.split(4096)])
    if len(codes) <= most:
        return codes
    start = codes[rng.choice(len(codes), most, replace=False)].numpy()
    with warnings.catch_warnings():
        # of clusters without codes, which are left out here
        warnings.simplefilter('ignore', UserWarning)
        centres, clusters = kmeans2(
            codes.numpy(), start, iter=_KMEANS_ITERATIONS, minit='matrix'
        )
    return torch.from_numpy(centres[np.unique(clusters)])
