import copy

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.structures import InstanceData
from tiny_models import samples

STRIDES = [8, 16]
SIZE = (32, 48)
TEST_CFG = ConfigDict(
    nms_pre=1000, score_thr=0.0, nms=dict(type='nms', iou_threshold=0.6), max_per_img=50
)


def head(kind='FullPrecisionFCOSHead', **changes):
    """A head of two classes and levels, with random weights."""
    torch.manual_seed(0)
    cfg = dict(
        type=kind,
        num_classes=2,
        in_channels=8,
        feat_channels=8,
        stacked_convs=1,
        strides=STRIDES,
        regress_ranges=[(-1, 16), (16, 1e8)],
        center_sampling=True,
        norm_on_bbox=True,
        norm_cfg=dict(type='GN', num_groups=2),
        loss_bbox=dict(type='GIoULoss'),
        test_cfg=TEST_CFG,
    )
    return MODELS.build(cfg | changes)


def features(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(2, 8, SIZE[0] // stride, SIZE[1] // stride, generator=generator)
        for stride in STRIDES
    )


def batch():
    data_samples = samples(size=SIZE)
    for sample in data_samples:
        sample.gt_instances.labels %= 2
    return data_samples


def same(results, others):
    for ours, theirs in zip(results, others, strict=True):
        assert len(ours) > 0
        for key in ('bboxes', 'scores', 'labels'):
            assert torch.equal(ours[key], theirs[key])


def test_boxes_of_a_training_are_distances_times_the_stride():
    model = head()
    # left, top, right, bottom in strides, the same everywhere
    distances = torch.tensor([1.0, 0.5, 2.0, 1.5])
    torch.nn.init.zeros_(model.conv_reg.weight)
    model.conv_reg.bias.data.copy_(distances)
    everything = dict(nms=dict(type='nms', iou_threshold=1.0), max_per_img=1000)
    model.test_cfg = ConfigDict(TEST_CFG | everything)
    _, results = model.train().loss_and_predict(features(), batch())
    boxes = {tuple(box) for box in results[0].bboxes.tolist()}
    # a location for each class, those at the same place count once
    assert len(results[0]) == 2 * (4 * 6 + 2 * 3)
    # level 0, row 1, column 2: the point is (20, 12)
    assert (12.0, 8.0, 36.0, 24.0) in boxes
    # level 1, row 0, column 1: the point is (24, 8)
    assert (8.0, 0.0, 48.0, 32.0) in boxes
    widths = {box[2] - box[0] for box in boxes}
    # but for those that the image cuts
    assert max(widths) == 40.0 and 24.0 in widths


@pytest.mark.parametrize('norm_on_bbox', [True, False])
def test_equals_the_stock_class(norm_on_bbox):
    stock = head('FCOSHead', norm_on_bbox=norm_on_bbox)
    ours = head(norm_on_bbox=norm_on_bbox)
    ours.load_state_dict(stock.state_dict())
    expected = stock.eval().predict(features(), batch())
    same(ours.eval().predict(features(), batch()), expected)
    losses, results = ours.train().loss_and_predict(features(), batch())
    same(results, expected)
    assert losses == stock.train().loss(features(), batch())
    # as the loss on validation images is computed
    assert losses == ours.eval().loss(features(), batch())


@torch.no_grad()
def test_half_precision_moves_no_box():
    model = head()
    # wide enough for points that bfloat16 can't tell from others
    sizes = [(1, 160), (1, 80)]
    scores = [torch.full((1, 2, *size), -20.0) for size in sizes]
    distances = [torch.ones(1, 4, *size) for size in sizes]
    factors = [torch.zeros(1, 1, *size) for size in sizes]
    scores[0][0, 1, 0, 150] = 4.0
    outputs = [[each.bfloat16() for each in scores], distances]
    outputs.append([each.bfloat16() for each in factors])
    meta = dict(img_shape=(8, 1280))
    cfg = ConfigDict(TEST_CFG | dict(score_thr=0.1))
    (found,) = model.predict_by_feat(*outputs, batch_img_metas=[meta], cfg=cfg)
    # around 150.5 x 8
    assert found.bboxes.tolist() == [[1196.0, 0.0, 1212.0, 8.0]]
    assert found.labels.tolist() == [1]
    # float32 losses of float32 numbers
    box = torch.tensor([[1192.0, 0.0, 1214.0, 8.0]])
    truth = [InstanceData(bboxes=box, labels=torch.tensor([1]))]
    floats = [[each.float() for each in level] for level in outputs]
    losses = model.loss_by_feat(*outputs, truth, [meta])
    assert losses == model.loss_by_feat(*copy.deepcopy(floats), truth, [meta])
    assert all(loss.dtype == torch.float32 and loss > 0 for loss in losses.values())
