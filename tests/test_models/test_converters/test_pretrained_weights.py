import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch

from oaformer.engine.safe_load import UnsafeCheckpointError
from oaformer.models.converters import load_pretrained_weights

ARRAYS = OrderedDict(weight=np.arange(6, dtype=np.float32).reshape(2, 3))


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


def write_pickle(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize('protocol', [2, pickle.HIGHEST_PROTOCOL])
def test_a_pickle_of_detectron2s_model_zoo(tmp_path, protocol):
    # what torch keeps beside a state dict is pickled with it
    arrays = OrderedDict(ARRAYS)
    arrays._metadata = OrderedDict({'': dict(version=1)})
    content = dict(model=arrays, __author__='Somebody')
    path = write_pickle(tmp_path / 'm.pkl', content, protocol)
    loaded = load_pretrained_weights(path)
    assert loaded.weights['weight'].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert loaded.weights['weight'].dtype == torch.float32
    assert loaded.classes is None


@pytest.mark.parametrize(
    'meta, classes',
    [
        (dict(dataset_meta=dict(classes=['a', 'b'])), ('a', 'b')),
        (dict(dataset_meta=dict(CLASSES=('a', 'b'))), ('a', 'b')),
        (dict(CLASSES=('a', 'b')), ('a', 'b')),
        (dict(dataset_meta=None, epoch=1), None),
    ],
)
def test_a_checkpoint_of_mmdetection(tmp_path, meta, classes):
    content = dict(meta=meta, state_dict=dict(weight=torch.ones(2)), optimizer={})
    torch.save(content, tmp_path / 'm.pth')
    loaded = load_pretrained_weights(tmp_path / 'm.pth')
    assert loaded.weights['weight'].tolist() == [1, 1]
    assert loaded.classes == classes


def test_a_checkpoint_of_detectron2_and_bare_weights(tmp_path):
    weights = dict(weight=torch.ones(2))
    for content in (dict(model=weights, iteration=7), weights):
        torch.save(content, tmp_path / 'm.pth')
        loaded = load_pretrained_weights(tmp_path / 'm.pth')
        assert loaded.weights.keys() == {'weight'}


@pytest.mark.parametrize('name', ['m.pkl', 'm.pth'])
def test_code_is_not_run(tmp_path, name):
    trap = tmp_path / 'trap'
    content = dict(model=ARRAYS, hook=Malicious(trap))
    if name == 'm.pkl':
        write_pickle(tmp_path / name, content)
    else:
        torch.save(content, tmp_path / name)
    with pytest.raises(UnsafeCheckpointError, match='open.*trust where it comes'):
        load_pretrained_weights(tmp_path / name)
    assert not trap.exists()


def test_trust_is_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    path = write_pickle(
        tmp_path / 'm.pkl', dict(model=ARRAYS, hook=Malicious(tmp_path / 'trap'))
    )
    assert load_pretrained_weights(path).weights.keys() == {'weight'}
    assert (tmp_path / 'trap').exists()


def test_faults_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='absent.pkl not found'):
        load_pretrained_weights(tmp_path / 'absent.pkl')
    whole = pickle.dumps(dict(model=ARRAYS))
    (tmp_path / 'cut.pkl').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RuntimeError, match='download complete'):
        load_pretrained_weights(tmp_path / 'cut.pkl')
    for content, message in (
        ([1], 'holds list, not weights'),
        (dict(model={}), 'holds no weights'),
        (dict(weight=ARRAYS['weight'], blobs=3), "'blobs' is int, not a tensor"),
    ):
        with pytest.raises(ValueError, match=message):
            load_pretrained_weights(write_pickle(tmp_path / 'm.pkl', content))
