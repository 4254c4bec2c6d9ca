"""An inferencer whose model predicts a scene that is worked out by hand."""

import numpy as np
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData

from oaformer.apis import AmodalInferencer
from oaformer.structures import encode_masks, rle_bbox

SIZE = (200, 320)
CLASSES = ('cup', 'box', '<i>plate</i>')
SCORES = [0.9, 0.8, 0.3]
# Of the box's 100 x 100 pixels the cup hides 40 x 80.
RATES = [0.0, 0.32, 0.05]


def scene_image():
    """The scene, BGR, uint8, (200, 320, 3)."""
    image = np.full((*SIZE, 3), 200, np.uint8)
    for box, color in zip(boxes()[::-1], (60, 120, 180), strict=True):
        left, top, right, bottom = box
        image[top:bottom, left:right] = color
    return image


def boxes():
    """Boxes of cup, box and plate: the cup in front of the box, the plate alone."""
    return [(20, 40, 120, 140), (80, 60, 180, 160), (220, 40, 300, 120)]


def instances(parts=('occlusion_rates', 'visible_masks')):
    """The prediction, with these optional parts."""
    amodal = np.zeros((3, *SIZE), np.uint8)
    for mask, (left, top, right, bottom) in zip(amodal, boxes(), strict=True):
        mask[top:bottom, left:right] = 1
    visible = amodal.copy()
    visible[1] &= 1 - amodal[0]
    optional = dict(
        occlusion_rates=torch.tensor(RATES), visible_masks=encode_masks(visible)
    )
    return InstanceData(
        labels=torch.arange(3),
        scores=torch.tensor(SCORES),
        bboxes=torch.tensor(boxes(), dtype=torch.float32),
        masks=encode_masks(amodal),
        **{part: optional[part] for part in parts},
    )


def completed(prompts):
    """The box around each given mask, of the given class or the second one."""
    boxes = np.array([rle_bbox(mask) for mask in prompts.masks])
    masks = np.zeros((len(boxes), *SIZE), np.uint8)
    for mask, (left, top, width, height) in zip(masks, boxes.astype(int), strict=True):
        mask[top : top + height, left : left + width] = 1
    boxes[:, 2:] += boxes[:, :2]
    return InstanceData(
        labels=prompts.labels.where(prompts.labels >= 0, 1),
        scores=torch.full((len(boxes),), 0.46),
        bboxes=torch.tensor(boxes, dtype=torch.float32),
        masks=encode_masks(masks),
        occlusion_rates=torch.full((len(boxes),), 0.25),
        visible_masks=prompts.masks,
    )


class KnownPredictor:
    """Predicts the scene for any image, and counts its calls."""

    def __init__(self, cfg, parts):
        self.cfg = cfg
        self.dataset_meta = dict(classes=CLASSES)
        self.calls = 0
        self._parts = parts

    def test_step(self, data):
        self.calls += 1
        for sample in data['data_samples']:
            if 'prompts' in sample:
                sample.pred_instances = completed(sample.prompts)
            else:
                sample.pred_instances = instances(self._parts)
        return data['data_samples']


class KnownInferencer(AmodalInferencer):
    """The inferencer with :class:`KnownPredictor` as its model."""

    def __init__(self, parts=('occlusion_rates', 'visible_masks'), can_complete=False):
        self._parts, self._can_complete = parts, can_complete
        pipeline = [
            dict(type='LoadImageFromFile'),
            dict(type='PackDetInputs', meta_keys=('ori_shape', 'img_shape')),
        ]
        cfg = Config(dict(test_dataloader=dict(dataset=dict(pipeline=pipeline))))
        super().__init__(cfg, device='cpu', show_progress=False)

    @property
    def can_complete(self):
        return self._can_complete

    def _init_model(self, cfg, weights, device):
        return KnownPredictor(cfg, self._parts)
