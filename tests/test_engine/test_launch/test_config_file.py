import pytest
from mmengine.config import Config

from oaformer.engine.launch import config_file
from oaformer.engine.launch.faults import UsageError


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ("_base_ = './absent.py'", r'absent\.py'),
        ("_base_ = ['./absent.py']", r'absent\.py'),
        ("_base_ = './own.py'", 'its _base_ leads back to itself'),
        ("_base_ = './other.py'", r"name 'b' is not defined \(line 2 of .*other\.py"),
        ('model = dict(', 'never closed'),
        ("_base_ = './cut.py'", r'never closed .*cut\.py'),
        ('a = 1\nc = b', r"NameError: name 'b' is not defined \(line 2 of "),
        ("custom_imports = dict(imports=['no_such'])", "No module named 'no_such'.*PY"),
        ("_base_ = ['./other.json']", 'JSONDecodeError: Expecting'),
    ],
)
def test_a_config_that_cannot_be_read_is_named(tmp_path, text, message):
    (tmp_path / 'own.py').write_text(text)
    (tmp_path / 'other.py').write_text('a = 1\nc = b\n')
    (tmp_path / 'cut.py').write_text('model = dict(\n')
    (tmp_path / 'other.json').write_text('{')
    with pytest.raises(UsageError, match=message) as error:
        config_file.read_config(tmp_path / 'own.py')
    assert str(error.value).startswith(f'{tmp_path}/own.py: ')


def test_a_module_of_the_user_keeps_its_traceback(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'faulty_module.py').write_text('a = 1\nc = b\n')
    (tmp_path / 'own.py').write_text("custom_imports = dict(imports='faulty_module')")
    with pytest.raises(NameError, match="'b' is not defined"):
        config_file.read_config(tmp_path / 'own.py')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (
            {'b.c': 1, 'train_cfg.max_epochs.x': 3},
            '^--cfg-options train_cfg.max_epochs.',
        ),
        ({'hooks.9.type': 'X'}, 'hooks.9.type: the config has no place.*Index 9'),
        ({'trian_cfg.max_epochs': 3}, 'no trian_cfg; is train_cfg meant'),
    ],
)
def test_options_without_a_place(options, message):
    cfg = Config(dict(train_cfg=dict(max_epochs=2), hooks=[dict(type='Y')]))
    with pytest.raises(UsageError, match=message):
        config_file.change_config(cfg, options)


def test_options_may_be_new_keys_of_the_runner():
    cfg = Config(dict(val_cfg=dict(), hooks=[dict(a=1, b=2)], flag=True))
    options = {'hooks.0.a': 'x', 'hooks.0.b': 3, 'flag': 'x', 'test_cfg.a': 1}
    config_file.change_config(cfg, options)
    assert cfg.test_cfg.a == 1
    # a number that became text is suspicious if the run fails
    assert list(config_file.changed_numbers) == ['hooks.0.a']
    config_file.change_config(cfg, {})
    assert not config_file.changed_numbers
