"""The form of a prediction, for every system and every consumer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData

from .rle import RLE, rle_areas, rle_intersection, with_str_counts
from .rle_encoding import encode_masks


def as_amodal_instances(prediction: InstanceData | Mapping[str, Any]) -> InstanceData:
    """Bring a prediction of one image into the form that all consumers read.

    Args:
        prediction: ``bboxes`` (n, 4), x1, y1, x2, y2 in pixels; ``labels`` (n,);
            ``scores`` (n,); ``masks``, amodal, as n RLEs or bitmaps (n, H, W). Where
            the model predicts them, ``visible_masks`` in either form and
            ``occlusion_rates`` (n,) in [0, 1]. Other fields are left out.

    Returns:
        The same fields by the same names. Masks are RLEs, each visible mask is cut to
        its amodal mask. Visible masks without rates give the rates 1 - visible area /
        amodal area, 0 for an empty mask; ``occlusion_rates_derived`` in the metainfo
        says whether they are such.

    Raises:
        ValueError: If a field is missing, or fields differ in length.
    """
    missing = [
        key for key in ('bboxes', 'labels', 'scores', 'masks') if key not in prediction
    ]
    if missing:
        raise ValueError(f'the predicted instances have no {", ".join(missing)}')
    instances = InstanceData()
    for key in ('bboxes', 'labels', 'scores'):
        instances[key] = torch.as_tensor(prediction[key])
    try:
        instances.masks = _as_rles(prediction['masks'])
        if 'visible_masks' in prediction:
            visible = _as_rles(prediction['visible_masks'])
            instances.visible_masks = [
                rle_intersection(part, whole)
                for part, whole in zip(visible, instances.masks, strict=True)
            ]
        if 'occlusion_rates' in prediction:
            instances.occlusion_rates = torch.as_tensor(prediction['occlusion_rates'])
    except (AssertionError, ValueError) as error:
        raise ValueError(
            f'the predicted instances differ in length: {error}'
        ) from error
    derived = prediction.get('occlusion_rates_derived', False)
    if 'visible_masks' in instances and 'occlusion_rates' not in instances:
        derived = True
        rates = derived_occlusion_rates(instances.masks, instances.visible_masks)
        instances.occlusion_rates = instances.scores.new_tensor(rates)
    if 'occlusion_rates' in instances:
        instances.set_metainfo(dict(occlusion_rates_derived=derived))
    return instances


def derived_occlusion_rates(
    masks: Sequence[RLE], visible_masks: Sequence[RLE]
) -> np.ndarray:
    """Occlusion rates that follow from predicted masks.

    Args:
        masks: n amodal masks.
        visible_masks: n visible masks, each inside its amodal mask.

    Returns:
        1 - visible area / amodal area in [0, 1], shape (n,); 0 for an empty mask.
    """
    amodal = np.asarray(rle_areas(masks), dtype=np.float64)
    visible = np.asarray(rle_areas(visible_masks), dtype=np.float64)
    return np.where(amodal > 0, 1 - visible / np.maximum(amodal, 1), 0)


def _as_rles(masks: torch.Tensor | np.ndarray | Sequence[RLE]) -> list[RLE]:
    if isinstance(masks, torch.Tensor):
        masks = masks.detach().cpu().numpy()
    if isinstance(masks, np.ndarray):
        return encode_masks(masks)
    # MMDetection dumps bytes, which JSON can't hold
    return [with_str_counts(mask) for mask in masks]
