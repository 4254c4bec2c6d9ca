"""Predictions as plain data, in words and for supervision."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from mmdet.structures import DetDataSample

from ..structures import decode_masks, rle_difference

if TYPE_CHECKING:
    from supervision import Detections


def prediction_to_dict(
    data_sample: DetDataSample, classes: Sequence[str] = ()
) -> dict[str, Any]:
    """An image's prediction as plain data, ready for JSON.

    The keys are those of MMDetection's ``DetInferencer`` and of ``pred_instances``.

    Args:
        data_sample: Sample with ``pred_instances`` in the form of
            :func:`as_amodal_instances`, which the inferencer's samples have.
        classes: Names of the classes.

    Returns:
        ``img_path`` (None for an array), ``frame_id`` (frames of a video only),
        ``height`` and ``width`` of the image, and one entry per instance, best
        score first, in ``labels``, ``label_names``, ``scores``, ``bboxes`` (amodal;
        x1, y1, x2, y2 in pixels) and ``masks`` (amodal, RLE). ``visible_masks``,
        ``invisible_masks`` and ``occlusion_rates`` only where the model predicts them;
        ``occlusion_rates_derived`` says whether the rates follow from the masks.
    """
    instances = data_sample.pred_instances.cpu()
    height, width = data_sample.ori_shape[:2]
    labels = instances.labels.tolist()
    result: dict[str, Any] = dict(img_path=data_sample.get('img_path'))
    if 'frame_id' in data_sample:
        result['frame_id'] = data_sample.frame_id
    result.update(
        height=int(height),
        width=int(width),
        labels=labels,
        label_names=[
            classes[label] if label < len(classes) else f'class {label}'
            for label in labels
        ],
        scores=instances.scores.tolist(),
        bboxes=instances.bboxes.tolist(),
        masks=instances.masks,
    )
    if 'occlusion_rates' in instances:
        result['occlusion_rates'] = instances.occlusion_rates.tolist()
        result['occlusion_rates_derived'] = instances.occlusion_rates_derived
    if 'visible_masks' in instances:
        result['visible_masks'] = instances.visible_masks
        pairs = zip(instances.masks, instances.visible_masks, strict=True)
        result['invisible_masks'] = [rle_difference(*pair) for pair in pairs]
    return result


def describe(prediction: dict[str, Any], score_thr: float) -> str:
    """A prediction in words, a line for each instance that reaches ``score_thr``."""
    name = prediction['img_path'] or 'array'
    if 'frame_id' in prediction:
        name += f', frame {prediction["frame_id"]}'
    chosen = [i for i, score in enumerate(prediction['scores']) if score >= score_thr]
    lines = [f'{name}: {len(chosen)} instances with a score of {score_thr} or more']
    for index in chosen:
        name = prediction['label_names'][index]
        line = f'  {name}  {prediction["scores"][index]:.3f}'
        if 'occlusion_rates' in prediction:
            derived = 'derived ' if prediction['occlusion_rates_derived'] else ''
            rate = prediction['occlusion_rates'][index]
            line += f'  {derived}occlusion rate {rate:.3f}'
        box = ', '.join(f'{side:.0f}' for side in prediction['bboxes'][index])
        lines.append(f'{line}  box [{box}]')
    return '\n'.join(lines)


def to_supervision(
    prediction: Mapping[str, Any], pred_score_thr: float = 0.3
) -> 'Detections':
    """A prediction as ``supervision.Detections``, for its annotators and trackers.

    Args:
        prediction: An image's result of :func:`prediction_to_dict`.
        pred_score_thr: Lowest score of an instance. Masks are bitmaps of the whole
            image, N * H * W bytes.

    Returns:
        Detections whose ``xyxy`` (N, 4) and ``mask`` (N, H, W) are amodal. ``data`` has
        ``class_name`` (N,) and, where the model predicts them, ``occlusion_rate`` (N,)
        and ``visible_mask`` (N, H, W).

    Raises:
        ImportError: If supervision is not installed.
    """
    try:
        from supervision import Detections
    except ImportError as error:
        raise ImportError(
            'to_supervision needs supervision: pip install supervision'
        ) from error
    size = prediction['height'], prediction['width']
    scores = np.array(prediction['scores'], dtype=np.float32)
    (chosen,) = np.nonzero(scores >= pred_score_thr)

    def take(key: str, dtype: type) -> np.ndarray:
        return np.array([prediction[key][index] for index in chosen], dtype=dtype)

    def bitmaps(key: str) -> np.ndarray:
        masks = [prediction[key][index] for index in chosen]
        return decode_masks(masks, *size).astype(bool)

    data = dict(class_name=take('label_names', str))
    if 'occlusion_rates' in prediction:
        data['occlusion_rate'] = take('occlusion_rates', np.float32)
    if 'visible_masks' in prediction:
        data['visible_mask'] = bitmaps('visible_masks')
    return Detections(
        xyxy=take('bboxes', np.float32).reshape(-1, 4),
        mask=bitmaps('masks'),
        confidence=scores[chosen],
        class_id=take('labels', int),
        data=data,
    )
