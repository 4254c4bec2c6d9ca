"""The form of a prediction, for every system and every consumer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData

from .rle import RLE, rle_areas, rle_intersection, with_str_counts
from .rle_encoding import encode_masks

REQUIRED = ('bboxes', 'labels', 'scores', 'masks')
OPTIONAL = ('visible_masks', 'occlusion_rates')


def as_amodal_instances(prediction: InstanceData | Mapping[str, Any]) -> InstanceData:
    """Bring a prediction of one image into the form that all consumers read.

    Args:
        prediction: ``bboxes`` (n, 4), x1, y1, x2, y2 in pixels; ``labels`` (n,);
            ``scores`` (n,); ``masks``, amodal, as n RLEs or bitmaps (n, H, W). Where
            the model predicts them, ``visible_masks`` in either form and
            ``occlusion_rates`` (n,) in [0, 1]. Other fields are left out.

    Returns:
        The same fields by the same names. Masks are lists of RLEs with ``counts`` as
        ``str``, each visible mask is cut to its amodal mask; the rest are tensors on
        the device where they were. Visible masks without rates give the rates 1 -
        visible area / amodal area, 0 for an empty mask; ``occlusion_rates_derived`` in
        the metainfo says whether they are such. Applied to its own result, or to the
        ``to_dict()`` of that, it changes nothing.

    Raises:
        ValueError: If a field is missing, or fields differ in length.
    """
    missing = [key for key in REQUIRED if key not in prediction]
    if missing:
        raise ValueError(f'the predicted instances have no {", ".join(missing)}')
    fields = {key: prediction[key] for key in REQUIRED + OPTIONAL if key in prediction}
    lengths = {key: len(value) for key, value in fields.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f'the predicted instances differ in number: {lengths}')
    derived = bool(prediction.get('occlusion_rates_derived', False))
    for key, value in fields.items():
        is_mask = key.endswith('masks')
        fields[key] = _as_rles(value) if is_mask else torch.as_tensor(value)
    if 'visible_masks' in fields:
        pairs = zip(fields['visible_masks'], fields['masks'], strict=True)
        fields['visible_masks'] = [rle_intersection(*pair) for pair in pairs]
        if 'occlusion_rates' not in fields:
            derived = True
            rates = derived_occlusion_rates(fields['masks'], fields['visible_masks'])
            fields['occlusion_rates'] = fields['scores'].new_tensor(rates)
    instances = InstanceData(**fields)
    if 'occlusion_rates' in fields:
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
