import pytest
from tiny_checkpoint import write_tiny_checkpoint

from oaformer.apis import AmodalInferencer
from oaformer.datasets.synth_amodal import write_split


@pytest.fixture(scope='session')
def checkpoint(tmp_path_factory):
    """Config and weights of a tiny model."""
    return write_tiny_checkpoint(tmp_path_factory.mktemp('checkpoint'))


@pytest.fixture(scope='session')
def inferencer(checkpoint):
    return AmodalInferencer(*checkpoint, device='cpu', show_progress=False)


@pytest.fixture(scope='session')
def synth(tmp_path_factory):
    """Four images, 96 x 96, with annotations."""
    folder = tmp_path_factory.mktemp('synth')
    write_split(str(folder), 'val', 4, size=96)
    return folder


@pytest.fixture
def images(synth):
    return sorted((synth / 'images').iterdir())
