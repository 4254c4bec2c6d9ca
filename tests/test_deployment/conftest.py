import pytest
from tiny_checkpoint import write_tiny_checkpoint

from oaformer.apis import AmodalInferencer


@pytest.fixture(scope='session')
def detector(tmp_path_factory):
    """A tiny detector with a branch for visible masks, trained with prompts."""
    weights = write_tiny_checkpoint(
        tmp_path_factory.mktemp('checkpoint'),
        panoptic_head=dict(
            loss_visible_mask=dict(loss_weight=0.5),
            loss_visible_dice=dict(loss_weight=0.5),
            prompts={},
        ),
    )
    return AmodalInferencer(*weights, device='cpu', show_progress=False).model
