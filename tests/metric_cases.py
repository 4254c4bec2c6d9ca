"""Small annotation files, predictions on them, and the metric as a runner calls it."""

import json

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from oaformer.evaluation import AmodalCocoMetric
from oaformer.structures import encode_masks, rle_bbox

META = dict(classes=('cup', 'plate'))


def box_mask(left, top, right, bottom, height=20, width=30):
    mask = np.zeros((height, width), np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


def annotation(ann_id, mask, visible=None, image_id=1, category_id=3, **fields):
    result = dict(
        id=ann_id,
        image_id=image_id,
        category_id=category_id,
        segmentation=encode_masks(mask[None])[0],
        area=float(mask.sum()),
        iscrowd=False,
    )
    if visible is not None:
        result['visible_mask'] = encode_masks(visible[None])[0]
    return result | fields


def write(folder, annotations, image_ids=(1,)):
    """An annotation file whose category ids have gaps, as COCO's have."""
    content = dict(
        images=[
            dict(id=image_id, file_name=f'{image_id}.png', height=20, width=30)
            for image_id in image_ids
        ],
        annotations=annotations,
        categories=[dict(id=9, name='plate'), dict(id=3, name='cup')],
    )
    path = folder / 'annotations.json'
    path.write_text(json.dumps(content))
    return str(path)


def corners(rles):
    """Boxes (x1, y1, x2, y2) around masks, float32 of shape (n, 4)."""
    boxes = np.array([rle_bbox(rle) for rle in rles], np.float32).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def rle_sample(rles, scores, labels, img_id=1, size=(20, 30), **fields):
    """A data sample as it comes from the model; ``fields`` replace or add."""
    prediction = dict(
        bboxes=torch.from_numpy(corners(rles)),
        labels=torch.tensor(labels, dtype=torch.long),
        scores=torch.tensor(scores, dtype=torch.float32),
        masks=rles,
    )
    result = DetDataSample(pred_instances=InstanceData(**prediction | fields))
    result.set_metainfo(dict(img_id=img_id, ori_shape=size))
    return result


def sample(
    masks, scores, labels=None, rates=None, img_id=1, as_tensor=False, visible=None
):
    """The same from bitmaps."""
    fields, rles = {}, []
    for key, bitmaps in (('visible_masks', visible), ('masks', masks)):
        if bitmaps is not None:
            bitmaps = np.asarray(bitmaps, np.uint8).reshape(-1, 20, 30)
            rles = encode_masks(bitmaps)
            fields[key] = torch.from_numpy(bitmaps).bool() if as_tensor else rles
    if rates is not None:
        fields['occlusion_rates'] = torch.tensor(rates)
    return rle_sample(rles, scores, labels or [0] * len(rles), img_id, **fields)


def evaluate(ann_file, samples, meta=META, **kwargs):
    """As the runner does it; results without their prefix."""
    evaluator = Evaluator(AmodalCocoMetric(ann_file, **kwargs))
    evaluator.dataset_meta = meta
    for data_sample in samples:
        evaluator.process([data_sample])
    metrics = evaluator.evaluate(len(samples))
    assert all(name.startswith('amodal/') for name in metrics)
    return {name.removeprefix('amodal/'): value for name, value in metrics.items()}
