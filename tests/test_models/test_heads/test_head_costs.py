"""What a step costs beyond arithmetic: waiting for the device, and memory."""

from collections import Counter

import pytest
import torch
from tiny_models import images, oaformer, samples
from torch.utils._python_dispatch import TorchDispatchMode

from oaformer.models.postprocessors import AmodalFusionHead

# Operators that a GPU can't run ahead of, because their result decides what follows.
WAITING = ('_local_scalar_dense', 'nonzero', 'masked_select', 'unique', 'equal')


class Operators(TorchDispatchMode):
    """Counts the operators that wait, and keeps the largest result."""

    def __init__(self):
        super().__init__()
        self.waiting = 0
        self.largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.waiting += func.__name__.split('.')[0].startswith(WAITING)
        if isinstance(result, torch.Tensor):
            self.largest = max(self.largest, result.numel())
        return result


VISIBLE = dict(loss_visible_mask=dict(), loss_visible_dice=dict())


@pytest.mark.parametrize('visible', [{}, VISIBLE], ids=['amodal', 'visible'])
@pytest.mark.parametrize('num_layers', [1, 4])
@pytest.mark.parametrize('counts', [(3,), (3, 2, 0, 4)], ids=str)
def test_a_step_waits_once_for_all_stages_and_images(
    monkeypatch, num_layers, counts, visible
):
    decoder = dict(num_layers=num_layers)
    model = oaformer(panoptic_head=dict(transformer_decoder=decoder, **visible))
    batch = images(len(counts))
    transfers = []
    cpu = torch.Tensor.cpu
    monkeypatch.setattr(
        torch.Tensor, 'cpu', lambda tensor: transfers.append(tensor) or cpu(tensor)
    )
    features = model.extract_feat(batch)
    head = model.panoptic_head
    # the pixel decoder of MMDetection reads its levels' sizes
    decoded = head._decode_pixels(features)
    monkeypatch.setattr(head, '_decode_pixels', lambda x: decoded)
    with Operators() as operators:
        head.loss(features, samples(counts))
    assert len(transfers) == 1
    # on the CPU's side: are the costs that were transferred finite?
    assert operators.waiting == 1


@torch.no_grad()
@pytest.mark.parametrize('visible', [{}, VISIBLE], ids=['amodal', 'visible'])
@pytest.mark.parametrize('side', [6, 30], ids=['small', 'large'])
def test_prediction_waits_for_chunks_and_not_for_masks(monkeypatch, visible, side):
    """Per chunk for boxes, and for pixels per as many of them as the image has."""
    masks = torch.full((1, 36, 48, 48), -1.0)
    for query in range(36):
        top, left = 8 * (query // 6), 8 * (query % 6)
        masks[0, query, top : top + side, left : left + side] = 1
    embeds, scores = torch.eye(36)[None], torch.randn(1, 36, 4)
    tensors = dict(cls_scores=scores, mask_embeds=embeds, mask_features=masks)
    if visible:
        tensors['visible_mask_embeds'] = embeds
    batch = samples((0,), size=(192, 192))
    calls = Counter()

    def count(name):
        original = getattr(torch.Tensor, name)
        monkeypatch.setattr(
            torch.Tensor, name, lambda tensor: calls.update([name]) or original(tensor)
        )

    count('cpu')
    count('tolist')

    def transfers(chunk_size):
        test_cfg = dict(max_per_image=200, mask_chunk_size=chunk_size)
        head = AmodalFusionHead(3, test_cfg=test_cfg)
        calls.clear()
        with Operators() as operators:
            (instances,) = head.predict(tensors, batch)
        assert operators.waiting == 0
        return Counter(calls), instances

    one_chunk, instances = transfers(36)
    three_chunks, _ = transfers(12)
    assert three_chunks - one_chunk == Counter(tolist=2)
    widths, heights = (instances.bboxes[:, 2:] - instances.bboxes[:, :2]).unbind(1)
    # each query was chosen for each of three classes
    num_images = float((widths * heights).sum()) / 3 / 192**2
    kinds = 2 if visible else 1
    assert one_chunk['cpu'] <= kinds * (2 * num_images + 1)
    assert (one_chunk['cpu'] == kinds) == (side == 6)


@torch.no_grad()
@pytest.mark.parametrize('visible', [{}, VISIBLE], ids=['amodal', 'visible'])
@pytest.mark.parametrize('num_queries', [5, 40])
def test_prediction_builds_a_few_masks_at_a_time(num_queries, visible):
    output_size = (100, 150)
    changes = dict(
        panoptic_head=dict(num_queries=num_queries, **visible),
        test_cfg=dict(max_per_image=2 * num_queries, mask_chunk_size=4),
    )
    model = oaformer(**changes).eval()
    batch = samples((0,), output_size=output_size)
    tensors = model.panoptic_head.predict(model.extract_feat(images(1)))
    with Operators() as operators:
        (instances,) = model.panoptic_fusion_head.predict(tensors, batch)
    assert len(instances) == 2 * num_queries
    height, width = tensors['mask_features'].shape[2:]
    assert operators.largest <= max(4 * height * width, output_size[0] * output_size[1])
