import argparse
import builtins
import os
import pickle
import re

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from oaformer.engine import UnsafeCheckpointError, safe_load
from oaformer.engine.safe_load import TRUST_VARIABLE, UnreadableCheckpointError


class Runs:
    """Unpickling this calls ``function(*args)``."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


@pytest.fixture
def file(tmp_path):
    return tmp_path / 'checkpoint.pth'


@pytest.fixture(autouse=True)
def no_trust(monkeypatch):
    monkeypatch.delenv(TRUST_VARIABLE, raising=False)


def test_loads_what_a_runner_saves(file):
    saved = dict(
        weight=torch.arange(3.0),
        history=HistoryBuffer([1.0, 2.0], [1, 3]),
        scalars=[np.float32(0.5), np.int64(7), np.bool_(True)],
        array=np.arange(4, dtype=np.uint8),
    )
    torch.save(saved, file)
    loaded = safe_load(file)
    assert loaded['weight'].tolist() == [0, 1, 2]
    assert loaded['scalars'] == [0.5, 7, True]
    assert loaded['array'].dtype == np.uint8
    assert loaded['array'].tolist() == [0, 1, 2, 3]
    assert [data.tolist() for data in loaded['history'].data] == [[1, 2], [1, 3]]
    assert loaded['history'].statistics('max') == 2
    assert loaded['history'].mean() == 0.75


@pytest.mark.parametrize('core', [b'numpy.core', b'numpy._core'])
def test_names_of_numpy_1_and_2_are_read(file, core):
    # without a zip archive, the pickle can be changed as text
    torch.save(dict(x=np.arange(2)), file, _use_new_zipfile_serialization=False)
    content, changes = re.subn(rb'numpy\._?core(?=\.)', core, file.read_bytes())
    file.write_bytes(content)
    assert changes
    assert safe_load(file)['x'].tolist() == [0, 1]


@pytest.mark.parametrize('legacy', [False, True])
def test_code_is_refused_and_not_run(file, legacy):
    victim = file.with_name('victim')
    torch.save(
        dict(bad=Runs(os.mkdir, str(victim))),
        file,
        _use_new_zipfile_serialization=not legacy,
    )
    with pytest.raises(UnsafeCheckpointError, match='mkdir') as caught:
        safe_load(file)
    assert str(file) in str(caught.value)
    assert f'{TRUST_VARIABLE}=1' in str(caught.value)
    assert not victim.exists()


@pytest.mark.parametrize(
    'args',
    [
        (os, 'system'),
        (HistoryBuffer, '__init__'),
        (HistoryBuffer, '_set_default_statistics'),
        (HistoryBuffer, 'register_statistics'),
        (torch.Tensor, 'numpy'),
        (np.ndarray, 'tofile'),
    ],
    ids=lambda args: f'{getattr(args[0], "__name__", args[0])}.{args[1]}',
)
def test_getattr_serves_only_history_buffer(file, args):
    owner = Runs(__import__, 'os') if args[0] is os else args[0]
    torch.save(Runs(builtins.getattr, owner, args[1]), file)
    with pytest.raises(UnsafeCheckpointError):
        safe_load(file)


def test_trusted_file_is_loaded(file, monkeypatch):
    torch.save(dict(args=argparse.Namespace(lr=0.1)), file)
    with pytest.raises(UnsafeCheckpointError, match='argparse.Namespace'):
        safe_load(file)
    monkeypatch.setenv(TRUST_VARIABLE, '1')
    assert safe_load(file)['args'].lr == 0.1


def test_other_loads_allow_no_more_than_before(file):
    torch.save(dict(history=HistoryBuffer([1.0], [1])), file)
    safe_load(file)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(file, weights_only=True)


@pytest.mark.parametrize('content', [b'', b'not a checkpoint', None])
def test_damaged_file_is_named(file, content):
    if content is None:
        torch.save(dict(x=torch.zeros(1000)), file)
        content = file.read_bytes()[:2000]
    file.write_bytes(content)
    with pytest.raises((RuntimeError, UnsafeCheckpointError), match='checkpoint.pth'):
        safe_load(file)


@pytest.mark.parametrize('trusted', ['0', '1'])
@pytest.mark.parametrize(
    ('content', 'reason'),
    [
        (b'', 'it is empty'),
        (b'hello', "it begins with b'hello'"),
        (b'version https://git-lfs', "it begins with b'version https://git-'"),
        (b'\x89PNG' + bytes(50), r'it begins with b.\\x89PNG'),
        (b'PK\x03\x04' + bytes(50), 'PytorchStreamReader failed reading zip archive'),
    ],
)
def test_another_kind_of_file_is_not_to_be_trusted(
    file, monkeypatch, content, reason, trusted
):
    monkeypatch.setenv(TRUST_VARIABLE, trusted)
    file.write_bytes(content)
    with pytest.raises(UnreadableCheckpointError, match=reason) as error:
        safe_load(file)
    assert TRUST_VARIABLE not in str(error.value)
