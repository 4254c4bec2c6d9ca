import importlib.machinery
import sys

import mmcv
import pytest

from oaformer.ops import has_compiled_operators, mmcv_ext, register_operators


@pytest.fixture
def no_operators(monkeypatch):
    """As if no module of operators had been imported; undone after the test."""
    monkeypatch.setitem(sys.modules, 'mmcv._ext', None)


def test_without_a_compiled_module_ours_is_registered(no_operators, recwarn):
    register_operators()
    assert sys.modules['mmcv._ext'] is mmcv_ext
    assert not has_compiled_operators()
    assert not recwarn.list


def test_a_compiled_module_wins(no_operators, tmp_path, monkeypatch):
    del sys.modules['mmcv._ext']
    (tmp_path / '_ext.py').write_text('compiled = True')
    monkeypatch.setattr(mmcv, '__path__', [str(tmp_path)])
    register_operators()
    assert sys.modules['mmcv._ext'].compiled
    assert has_compiled_operators()


def test_one_that_does_not_load_is_reported(no_operators, tmp_path, monkeypatch):
    del sys.modules['mmcv._ext']
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    (tmp_path / f'_ext{suffix}').write_bytes(b'built for another PyTorch')
    monkeypatch.setattr(mmcv, '__path__', [str(tmp_path)])
    with pytest.warns(UserWarning, match=r'operators do not load: .*_ext.*install\.md'):
        register_operators()
    assert not has_compiled_operators()


def test_without_mmcv_the_extras_are_named(monkeypatch):
    monkeypatch.delitem(sys.modules, 'mmcv._ext')
    monkeypatch.delitem(sys.modules, 'mmcv')
    monkeypatch.setattr(sys, 'path', [])
    with pytest.raises(ModuleNotFoundError, match='extra openmmlab or onedl'):
        register_operators()


def test_another_operator_is_an_error_only_when_it_is_called():
    operator = mmcv_ext.softnms
    with pytest.raises(RuntimeError, match=r'softnms needs .*setup_env\.sh --compiled'):
        operator(1, offset=2)
    with pytest.raises(AttributeError):
        mmcv_ext.__wrapped__  # noqa: B018
