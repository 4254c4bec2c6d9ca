from pathlib import Path

import pytest

from oaformer.engine import cli


@pytest.fixture
def train_config(toy_config, repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def build(*flags):
        args = cli.train_parser().parse_args([str(toy_config), *flags])
        return cli.train_config(args, repo_root)

    return build


@pytest.fixture
def test_config(toy_config, repo_root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'last.pth').touch()

    def build(*flags):
        args = cli.test_parser().parse_args([str(toy_config), 'last.pth', *flags])
        return cli.test_config(args, repo_root)

    return build


def test_work_dir_is_named_after_the_config(train_config):
    assert train_config().work_dir == './work_dirs/toy_config'
    assert train_config('--work-dir', 'here').work_dir == 'here'


def test_options_change_the_config(train_config):
    cfg = train_config('--cfg-options', 'train_cfg.max_epochs=9', 'a.b="[(1,2)]"')
    assert cfg.train_cfg.max_epochs == 9
    assert cfg.a.b == [(1, 2)]


def test_resume(train_config, tmp_path):
    (tmp_path / 'epoch_1.pth').touch()
    cases = [
        ((), None),
        (('--resume',), None),
        (('--resume', 'epoch_1.pth'), 'epoch_1.pth'),
    ]
    for flags, load_from in cases:
        cfg = train_config(*flags)
        assert cfg.get('resume', False) is bool(flags)
        assert cfg.get('load_from') == load_from
    with pytest.raises(cli.UsageError, match='epoch_2.pth'):
        train_config('--resume', 'epoch_2.pth')


def test_auto_scale_lr(train_config):
    assert train_config('--auto-scale-lr').auto_scale_lr.enable is True
    with pytest.raises(cli.UsageError, match='base_batch_size'):
        train_config('--auto-scale-lr', '--cfg-options', 'auto_scale_lr="{}"')


def test_amp(train_config, monkeypatch):
    monkeypatch.setattr(cli, 'get_device', lambda: 'cpu')
    with pytest.raises(cli.UsageError, match='--amp: mixed precision needs a GPU'):
        train_config('--amp')
    monkeypatch.setattr(cli, 'get_device', lambda: 'cuda')
    wrapper = train_config('--amp').optim_wrapper
    assert (wrapper.type, wrapper.loss_scale) == ('AmpOptimWrapper', 'dynamic')
    own = train_config(
        '--amp',
        '--cfg-options',
        'optim_wrapper.type=AmpOptimWrapper',
        'optim_wrapper.dtype=bfloat16',
    ).optim_wrapper
    assert own.dtype == 'bfloat16' and 'loss_scale' not in own


def test_missing_config_is_a_usage_error(repo_root):
    args = cli.train_parser().parse_args(['configs/none.py'])
    with pytest.raises(cli.UsageError, match='configs/none.py'):
        cli.train_config(args, repo_root)


def test_checkpoint(test_config, tmp_path):
    cfg = test_config('--cfg-options', 'resume=True')
    assert (cfg.load_from, cfg.resume) == ('last.pth', False)
    (tmp_path / 'last.pth').unlink()
    with pytest.raises(cli.UsageError, match='last.pth'):
        test_config()


def test_images(test_config):
    assert 'draw' not in test_config().default_hooks.visualization
    hook = test_config('--show-dir', 'images').default_hooks.visualization
    assert (hook.draw, hook.test_out_dir) == (True, 'images')
    assert 'show' not in hook
    hook = test_config('--show', '--wait-time', '0.5').default_hooks.visualization
    assert (hook.draw, hook.show, hook.wait_time) == (True, True, 0.5)
    with pytest.raises(cli.UsageError, match='visualization hook'):
        test_config('--show', '--cfg-options', 'default_hooks.visualization=None')


def test_out_must_be_a_pickle(test_config):
    with pytest.raises(cli.UsageError, match='results.json'):
        test_config('--out', 'results.json')


def test_data_is_found_in_the_repository(train_config, tmp_path, monkeypatch):
    (tmp_path / 'repo' / 'data').mkdir(parents=True)
    args = cli.train_parser().parse_args(
        ['toy_config.py', '--cfg-options', 'train_dataloader.dataset.data_root=data']
    )
    source = Path(train_config().filename)
    (tmp_path / 'repo' / 'toy_config.py').write_bytes(source.read_bytes())
    cfg = cli.train_config(args, tmp_path / 'repo')
    assert cfg.train_dataloader.dataset.data_root == str(tmp_path / 'repo' / 'data')
