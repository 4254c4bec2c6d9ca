import pickle

import mmengine
import numpy as np
import pytest
import torch

from oaformer.engine import DumpAmodalResults, UnsafeResultsError, load_results

RESULTS = [
    dict(
        img_id=1,
        img_path='1.png',
        ori_shape=(1, 2),
        scale_factor=(np.float64(0.5), np.float32(0.5)),
        flags={1, 2},
        pred_instances=dict(
            bboxes=torch.arange(4.0)[None],
            labels=torch.tensor([3]),
            scores=torch.tensor([0.5], dtype=torch.float16),
            keep=torch.tensor([True, False])[1:],
            array=np.arange(6, dtype=np.int16).reshape(2, 3).T,
            masks=[dict(size=[1, 2], counts='02')],
            visible_masks=[dict(size=[1, 2], counts=b'\xe9')],
        ),
    )
]


class Malicious:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


def dump(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize('protocol', [2, pickle.HIGHEST_PROTOCOL])
def test_everything_in_predictions_is_read(tmp_path, protocol):
    (loaded,) = load_results(dump(tmp_path / 'r.pkl', RESULTS, protocol))
    expected, instances = RESULTS[0], loaded['pred_instances']
    assert {k: v for k, v in loaded.items() if k != 'pred_instances'} == {
        k: v for k, v in expected.items() if k != 'pred_instances'
    }
    for key, value in expected['pred_instances'].items():
        if isinstance(value, list):
            assert instances[key] == value
        else:
            assert type(instances[key]) is type(value)
            assert instances[key].dtype == value.dtype
            assert instances[key].tolist() == value.tolist()


def test_what_the_tool_writes_is_read(tmp_path):
    path = tmp_path / 'r.pkl'
    metric = DumpAmodalResults(str(path))
    metric.process({}, RESULTS)
    metric.evaluate(size=1)
    (loaded,) = load_results(path)
    assert loaded['pred_instances']['scores'].tolist() == [0.5]
    assert len(mmengine.load(path)) == 1


@pytest.mark.parametrize('place', ['as a value', 'in a tensor'])
def test_code_is_refused_and_not_run(tmp_path, monkeypatch, place):
    monkeypatch.delenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', raising=False)
    value = Malicious(tmp_path / 'written')
    if place == 'in a tensor':
        value = _Storage(pickle.dumps(value))
    path = dump(tmp_path / 'r.pkl', [dict(RESULTS[0], extra=value)])
    with pytest.raises((UnsafeResultsError, RuntimeError), match=r'r\.pkl'):
        load_results(path)
    assert not (tmp_path / 'written').exists()


class _Storage:
    def __init__(self, content):
        self.content = content

    def __reduce__(self):
        return torch.storage._load_from_bytes, (self.content,)


def test_the_message_says_what_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', raising=False)
    path = dump(tmp_path / 'r.pkl', [dict(RESULTS[0], extra=Malicious(tmp_path / 'w'))])
    with pytest.raises(UnsafeResultsError, match='wants .*open.*FORCE_NO_WEIGHTS'):
        load_results(path)
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    load_results(path)
    assert (tmp_path / 'w').exists()


def test_odd_encodings_are_refused(tmp_path):
    class Encoded:
        def __reduce__(self):
            import _codecs

            return _codecs.encode, ('text', 'rot13')

    with pytest.raises(UnsafeResultsError, match='rot13'):
        load_results(dump(tmp_path / 'r.pkl', [Encoded()]))


def test_other_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_results(tmp_path / 'absent.pkl')
    path = dump(tmp_path / 'r.pkl', RESULTS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RuntimeError, match=r'r\.pkl could not be read'):
        load_results(path)
    with pytest.raises(ValueError, match=r'other\.pkl holds no predictions'):
        load_results(dump(tmp_path / 'other.pkl', dict(a=1)))
    with pytest.raises(ValueError, match='holds no predictions'):
        load_results(dump(tmp_path / 'other.pkl', [dict(img_id=1)]))
