"""Amodal Mask R-CNN: targets, training step and prediction."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmdet.structures.mask import BitmapMasks, encode_mask_results, mask_target
from mmengine.config import Config, ConfigDict
from mmengine.structures import InstanceData
from pycocotools import mask as mask_util
from torch import Tensor, nn

from oaformer.models.converters import convert_mask_rcnn, with_branch_names
from oaformer.models.roi_heads.mask_targets import roi_mask_targets
from oaformer.structures import AmodalMasks

from .data import HEIGHT, WIDTH, groceries
from .measure import Case
from .models import CONFIGS, NUM_CLASSES

SIZE = (800, 1088)
INSTANCES, ROIS, DETECTIONS = 12, 128, 100


def cases(device: str, folder: Path) -> list[Case]:
    """Targets of two kinds of masks, a training step, and a prediction."""
    return [target_case(device), step_case(device), predict_case(device)]


def model_pair(device: str) -> tuple[nn.Module, nn.Module]:
    """MMDetection's Mask R-CNN and ours, R50, with the same weights."""
    cfg = Config.fromfile(CONFIGS / 'mask-rcnn' / 'mask-rcnn_r50_d2sa.py').model
    cfg.backbone.init_cfg = None
    # every proposal is a detection
    cfg.test_cfg.rcnn.update(score_thr=0.0, max_per_img=DETECTIONS)
    stock_cfg = copy.deepcopy(cfg)
    stock_cfg.rpn_head.type = 'RPNHead'
    stock_cfg.roi_head.type = 'StandardRoIHead'
    stock_cfg.roi_head.mask_head.type = 'FCNMaskHead'
    torch.manual_seed(0)
    stock, ours = MODELS.build(stock_cfg), MODELS.build(cfg)
    state = ours.state_dict()
    renamed = with_branch_names(stock.state_dict(), state)
    ours.load_state_dict(convert_mask_rcnn(renamed.weights, state).weights)
    return stock.to(device), ours.to(device)


def objects(device: str) -> tuple[DetDataSample, DetDataSample]:
    """The same objects for both."""
    rng = np.random.default_rng(0)
    amodal = groceries(rng, INSTANCES, *SIZE)
    visible = amodal * (np.cumsum(amodal, axis=0) == amodal)
    labels = torch.from_numpy(rng.integers(0, NUM_CLASSES, INSTANCES)).to(device)
    carrier = AmodalMasks(amodal, *SIZE, visible=visible)
    boxes = carrier.get_bboxes('hbox').tensor.to(device)
    pair = []
    for masks in (BitmapMasks(amodal, *SIZE), carrier):
        meta = dict(batch_input_shape=SIZE, pad_shape=SIZE, img_shape=SIZE)
        sample = DetDataSample(
            metainfo=meta
            | dict(
                ori_shape=(HEIGHT, WIDTH),
                scale_factor=(SIZE[1] / WIDTH, SIZE[0] / HEIGHT),
            )
        )
        sample.gt_instances = InstanceData(labels=labels, masks=masks, bboxes=boxes)
        sample.ignored_instances = InstanceData(
            bboxes=boxes[:0], labels=labels[:0], masks=masks[:0]
        )
        pair.append(sample)
    return tuple(pair)


def target_case(device: str) -> Case:
    """Amodal and visible targets of the positive RoIs of an image."""
    carrier = objects(device)[1].gt_instances.masks
    boxes = carrier.get_bboxes('hbox').tensor.to(device)
    indices = torch.arange(ROIS, device=device) % INSTANCES
    boxes = boxes[indices] + 8 * torch.rand(ROIS, 4, device=device)
    kinds = carrier.masks, carrier.visible
    cfg = ConfigDict(mask_size=28)

    def stock() -> list[Tensor]:
        return [
            # it clips the boxes in place
            mask_target([boxes.clone()], [indices], [BitmapMasks(masks, *SIZE)], cfg)
            for masks in kinds
        ]

    def ours() -> list[Tensor]:
        masks = torch.stack([torch.from_numpy(each).to(device) for each in kinds], 1)
        return [*roi_mask_targets(masks, boxes, indices, (28, 28)).unbind(1)]

    def check(stock: list[Tensor], ours: list[Tensor]) -> None:
        assert all(torch.equal(a, b.float()) for a, b in zip(stock, ours, strict=True))

    name = f'targets of {ROIS} RoIs, amodal and visible, {SIZE[0]} x {SIZE[1]}'
    return Case(name, stock, ours, check, target=2.0, memory_target=0.5)


def step_case(device: str) -> Case:
    """Forward, losses, backward and optimiser, B = 1."""
    image = torch.randn(1, 3, *SIZE, device=device)

    def run(model: nn.Module, sample: DetDataSample) -> Callable[[], dict]:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        model.train()

        def step() -> dict:
            torch.manual_seed(0)
            np.random.seed(0)
            losses = model(image, [sample], mode='loss')
            total, logged = model.parse_losses(losses)
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
            return {key: value.detach() for key, value in logged.items()}

        return step

    def check(stock: dict, ours: dict) -> None:
        assert stock.keys() == ours.keys()
        for key, value in stock.items():
            torch.testing.assert_close(ours[key], value)

    steps = map(run, model_pair(device), objects(device))
    name = f'whole step, Mask R-CNN R50, B = 1, {SIZE[0]} x {SIZE[1]}'
    return Case(name, *steps, check=check, target=1.0, memory_target=1.0)


def predict_case(device: str) -> Case:
    """From RoI masks to run lengths, as tools/test.py does for an image."""
    stock_head, our_head = (model.roi_head.mask_head for model in model_pair(device))
    rng = np.random.default_rng(0)
    masks = groceries(rng, DETECTIONS)
    boxes = AmodalMasks(masks, HEIGHT, WIDTH).get_bboxes('hbox').tensor
    scale = torch.tensor([SIZE[1] / WIDTH, SIZE[0] / HEIGHT])
    results = InstanceData(
        bboxes=(boxes * scale.repeat(2)).to(device),
        scores=torch.linspace(1, 0, DETECTIONS, device=device),
        labels=torch.from_numpy(rng.integers(0, NUM_CLASSES, DETECTIONS)).to(device),
    )
    coarse = torch.randn(
        DETECTIONS, 1, 4, 4, generator=torch.Generator().manual_seed(0)
    )
    preds = nn.functional.interpolate(coarse + 1, (28, 28), mode='bicubic')
    preds = preds.expand(-1, NUM_CLASSES, -1, -1).to(device)
    meta = dict(ori_shape=(HEIGHT, WIDTH), scale_factor=tuple(scale.tolist()))
    cfg = ConfigDict(mask_thr_binary=0.5)

    def predict(head: nn.Module) -> list:
        (instances,) = head.predict_by_feat(
            [preds], [results.clone()], [meta], cfg, rescale=True
        )
        return instances.masks

    def stock() -> list:
        # it rescales the boxes in place
        results.bboxes = (boxes * scale.repeat(2)).to(device)
        return encode_mask_results(predict(stock_head).cpu().numpy())

    def ours() -> list:
        results.bboxes = (boxes * scale.repeat(2)).to(device)
        return predict(our_head)

    def check(stock: list, ours: list) -> None:
        for one, other in zip(stock, ours, strict=True):
            assert (mask_util.decode(one) == mask_util.decode(other)).all()

    name = f'{DETECTIONS} masks of an image to RLE, {HEIGHT} x {WIDTH}'
    return Case(name, stock, ours, check, target=3.0)
