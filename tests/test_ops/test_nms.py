import pytest
import torch

from oaformer.ops import nms as module
from oaformer.ops.nms import nms


def random_boxes(count, seed):
    generator = torch.Generator().manual_seed(seed)
    low = torch.rand(count, 2, generator=generator) * 300
    size = torch.rand(count, 2, generator=generator) * 150
    # repeated and empty boxes are among them
    size[::7] = 0
    boxes = torch.cat([low, low + size], dim=1)
    boxes[1::5] = boxes[: len(boxes[1::5])].clone()
    return boxes, torch.rand(count, generator=generator)


@pytest.mark.parametrize('offset', [0, 1])
@pytest.mark.parametrize('count', [0, 1, 2, 50, 512, 513, 2000])
def test_keeps_what_the_compiled_operator_keeps(compiled, count, offset):
    for seed in range(3):
        boxes, scores = random_boxes(count, seed)
        for threshold in (0.0, 0.3, 0.7, 1.0):
            expected = compiled.nms(
                boxes, scores, iou_threshold=threshold, offset=offset
            )
            assert torch.equal(nms(boxes, scores, threshold, offset), expected)


def test_a_suppressed_box_suppresses_nothing():
    # each overlaps the next by a half: the first suppresses the second, so the third
    # stays
    boxes = torch.tensor([[0.0, 0, 3, 1], [1, 0, 4, 1], [2, 0, 5, 1]])
    scores = torch.tensor([0.2, 0.5, 0.9])
    assert nms(boxes, scores, 0.4, 0).tolist() == [2, 0]
    assert nms(boxes, scores, 0.5, 0).tolist() == [2, 1, 0]


def test_a_long_chain_over_several_blocks(monkeypatch):
    monkeypatch.setattr(module, '_BLOCK', 8)
    low = torch.arange(100.0)
    boxes = torch.stack([low, low * 0, low + 3, low * 0 + 1], dim=1)
    # each box suppresses its two neighbors on either side, so every third is left
    assert nms(boxes, -low, 0.19, 0).tolist() == list(range(0, 100, 3))


def test_equal_scores_keep_the_order_of_the_boxes():
    boxes = torch.tensor([[0.0, 0, 2, 2]]).repeat(600, 1)
    boxes[1::2] += 10
    assert nms(boxes, torch.ones(600), 0.5, 0).tolist() == [0, 1]
