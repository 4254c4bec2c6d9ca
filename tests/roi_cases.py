"""Objects, RoIs and mask heads for the tests of two-stage systems."""

from types import SimpleNamespace

import numpy as np
import torch
from mmdet.registry import MODELS
from mmengine.config import Config, ConfigDict
from mmengine.structures import InstanceData
from tiny_models import CONFIGS, NUM_CLASSES, SIZE, samples

from oaformer.structures import AmodalMasks

TRAIN_CFG = dict(mask_size=28)
TEST_CFG = ConfigDict(mask_thr_binary=0.5)
CHANNELS = 16
TRUNK = dict(num_convs=1, in_channels=CHANNELS, conv_out_channels=CHANNELS)


def rectangle(left, top, right, bottom, size=(20, 20)):
    mask = np.zeros(size, np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


def two_objects():
    """F lies in front of G, which is behind a corner that F does not have.

    F has 75 pixels, all visible; 10 of G's 70 are hidden by F.
    """
    front = rectangle(0, 0, 10, 10) - rectangle(5, 0, 10, 5)
    behind = rectangle(5, 0, 15, 7)
    amodal = np.stack([front, behind])
    visible = np.stack([front, behind * (1 - front)])
    return AmodalMasks(amodal, 20, 20, visible=visible)


def instances(carrier, labels=None):
    labels = torch.arange(len(carrier)) if labels is None else torch.tensor(labels)
    boxes = carrier.get_bboxes('hbox').tensor
    return InstanceData(masks=carrier, labels=labels, bboxes=boxes)


def rois(boxes, objects, labels):
    """The positive RoIs of an image, as the sampler gives them."""
    return SimpleNamespace(
        pos_priors=torch.as_tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        pos_assigned_gt_inds=torch.as_tensor(objects, dtype=torch.long),
        pos_gt_labels=torch.as_tensor(labels, dtype=torch.long),
    )


def random_objects(rng, number, size=(60, 80)):
    """Overlapping rectangles with a hole; what comes first lies in front."""
    amodal = np.zeros((number, *size), np.uint8)
    for mask in amodal:
        left, top = rng.integers(0, size[1] - 12), rng.integers(0, size[0] - 12)
        right, bottom = left + rng.integers(6, 50), top + rng.integers(6, 40)
        mask[top:bottom, left:right] = 1
        mask[top + 2 : top + 4, left + 1 : left + 5] = 0
    covered = np.cumsum(amodal, axis=0) - amodal > 0
    return AmodalMasks(amodal, *size, visible=amodal * ~covered)


def random_boxes(rng, number, size=(60, 80)):
    """Boxes around and beyond the image, some less than a pixel wide."""
    corners = rng.uniform(-10, 70, (number, 2))
    sides = rng.choice([0.3, 5.0, 20.0, 60.0], (number, 2)) * rng.uniform(
        0.5, 1.5, (number, 2)
    )
    return torch.from_numpy(np.hstack([corners, corners + sides])).float()


def random_batch(seed=0, counts=(3, 4), num_rois=6):
    """Ground truth and positive RoIs of images."""
    rng = np.random.default_rng(seed)
    truth, results = [], []
    for count in counts:
        carrier = random_objects(rng, count) if count else AmodalMasks([], 60, 80)
        labels = rng.integers(0, 3, count)
        objects = rng.integers(0, count, num_rois if count else 0)
        boxes = carrier.get_bboxes('hbox').tensor[objects]
        boxes = boxes + torch.from_numpy(rng.normal(0, 2, boxes.shape)).float()
        truth.append(instances(carrier, labels))
        results.append(rois(boxes, objects, labels[objects]))
    return truth, results


def detections(boxes, labels=None):
    boxes = torch.as_tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    labels = [0] * len(boxes) if labels is None else labels
    return InstanceData(
        bboxes=boxes,
        scores=torch.linspace(0.9, 0.5, len(boxes)),
        labels=torch.as_tensor(labels, dtype=torch.long),
    )


SYSTEMS = (
    'mask-rcnn',
    'orcnn',
    'bcnet',
    'bcnet-fcos',
    'aisformer',
    'sln',
    'shapedict',
)


def find_something(model_cfg):
    """Have an untrained model find something, in few boxes.

    ShapeDict predicts the masks of all boxes and classes.
    """
    test_cfg = model_cfg.test_cfg
    test_cfg.get('rcnn', test_cfg).score_thr = 0.0
    if 'rpn' in test_cfg:
        test_cfg.rpn.max_per_img = 10


def two_stage_config(system):
    """The small model of a system, with the classes of tiny_models."""
    cfg = Config.fromfile(
        CONFIGS / 'synth' / f'{system}_tiny_synth.py', import_custom_modules=False
    ).model
    for part in (cfg, cfg.roi_head):
        for head in {'bbox_head', 'mask_head'} & part.keys():
            part[head].num_classes = NUM_CLASSES
    if system == 'shapedict':
        # without a file, every shape is its own prior
        cfg.roi_head.mask_head.shape_priors.file = None
    find_something(cfg)
    return cfg


def two_stage(system, seed=0, **changes):
    """The model of :func:`two_stage_config` with changes."""
    cfg = Config(dict(model=two_stage_config(system)))
    cfg.merge_from_dict(dict(model=changes))
    torch.manual_seed(seed)
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model


def two_stage_samples(**kwargs):
    """``tiny_models.samples`` with what two-stage detectors read of them."""
    batch = samples(**kwargs)
    for sample in batch:
        sample.set_metainfo(dict(pad_shape=SIZE, scale_factor=(1.0, 1.0)))
        sample.ignored_instances = InstanceData(
            bboxes=torch.zeros(0, 4), labels=torch.zeros(0, dtype=torch.long)
        )
    return batch
