"""The form of a prediction, for every system and every consumer."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.structures import InstanceData

from .rle import RLE, rle_areas, rle_bbox, rle_intersection, with_str_counts
from .rle_encoding import encode_masks

REQUIRED = ('labels', 'scores', 'masks')
OPTIONAL = ('bboxes', 'visible_masks', 'occlusion_rates')


def as_amodal_instances(prediction: InstanceData | Mapping[str, Any]) -> InstanceData:
    """Bring a prediction of one image into the form that all consumers read.

    Args:
        prediction: ``labels`` (n,); ``scores`` (n,); ``masks``, amodal, as n RLEs or
            bitmaps (n, H, W). Where the model predicts them, ``bboxes`` (n, 4), x1,
            y1, x2, y2 in pixels, ``visible_masks`` in either form and
            ``occlusion_rates`` (n,) in [0, 1]. Other fields are left out.

    Returns:
        The same fields by the same names. Masks are lists of RLEs with ``counts`` as
        ``str``, each visible mask is cut to its amodal mask; the rest are tensors on
        the device where they were. Missing boxes are those of the masks. Visible masks
        without rates give the rates 1 - visible area / amodal area, 0 for an empty
        mask; ``occlusion_rates_derived`` in the metainfo says whether they are such.
        Applied to its own result, or to the ``to_dict()`` of that, it changes nothing.

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
    if 'bboxes' not in fields:
        boxes = fields['scores'].new_tensor([rle_bbox(rle) for rle in fields['masks']])
        boxes = boxes.reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        fields['bboxes'] = boxes
    if 'visible_masks' in fields:
        pairs = zip(fields['visible_masks'], fields['masks'], strict=True)
        fields['visible_masks'] = [rle_intersection(*pair) for pair in pairs]
        if 'occlusion_rates' not in fields:
            derived = True
            amodal, visible = (
                np.array(rle_areas(fields[key]), dtype=np.float64)
                for key in ('masks', 'visible_masks')
            )
            rates = np.where(amodal > 0, 1 - visible / np.maximum(amodal, 1), 0)
            fields['occlusion_rates'] = fields['scores'].new_tensor(rates)
    instances = InstanceData(**fields)
    if 'occlusion_rates' in fields:
        instances.set_metainfo(dict(occlusion_rates_derived=derived))
    return instances


def _as_rles(masks: torch.Tensor | np.ndarray | Sequence[RLE]) -> list[RLE]:
    if isinstance(masks, torch.Tensor):
        masks = masks.detach().cpu().numpy()
    if isinstance(masks, np.ndarray):
        return encode_masks(masks)
    # MMDetection dumps bytes, which JSON can't hold
    return [with_str_counts(mask) for mask in masks]
