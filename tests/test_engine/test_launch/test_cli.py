import shutil

import pytest

from oaformer.engine.launch import cli, paths


@pytest.fixture
def config(toy_config, tmp_path, monkeypatch):
    """The config of a command, run in a folder with two checkpoints."""
    monkeypatch.chdir(tmp_path)
    for name in ('epoch_1.pth', 'last.pth'):
        (tmp_path / name).touch()

    def build(command, *flags):
        parser = getattr(cli, f'{command}_parser')()
        arguments = [str(toy_config)] + ['last.pth'] * (command == 'test')
        args = parser.parse_args([*arguments, *flags])
        return getattr(cli, f'{command}_config')(args)

    return build


@pytest.mark.parametrize(
    ('parser', 'flags'),
    [
        (cli.train_parser, '--amp --auto-scale-lr --resume'),
        (cli.test_parser, '--out --show --show-dir --wait-time'),
    ],
)
def test_flags_are_those_of_mmdetection(parser, flags):
    common = '--work-dir --cfg-options --launcher --local_rank'
    shown = parser().format_help()
    assert [flag for flag in f'{common} {flags}'.split() if flag not in shown] == []


def test_flags_change_the_config(config):
    assert config('train').work_dir == './work_dirs/toy_config'
    options = ('--cfg-options', 'train_cfg.max_epochs=9', 'a.b="[(1,2)]"')
    cfg = config('train', '--work-dir', 'here', '--auto-scale-lr', *options)
    assert cfg.work_dir == 'here'
    assert cfg.auto_scale_lr.enable is True
    assert (cfg.train_cfg.max_epochs, cfg.a.b) == (9, [(1, 2)])


@pytest.mark.parametrize(
    ('command', 'flags', 'resume', 'load_from'),
    [
        ('train', (), False, None),
        ('train', ('--resume',), True, None),
        ('train', ('--resume', 'epoch_1.pth'), True, 'epoch_1.pth'),
        ('test', ('--cfg-options', 'resume=True'), False, 'last.pth'),
    ],
)
def test_checkpoint(config, command, flags, resume, load_from):
    cfg = config(command, *flags)
    assert (cfg.get('resume', False), cfg.get('load_from')) == (resume, load_from)


def test_amp(config, monkeypatch):
    monkeypatch.setattr(cli, 'get_device', lambda: 'cuda')
    wrapper = config('train', '--amp').optim_wrapper
    assert (wrapper.type, wrapper.loss_scale) == ('AmpOptimWrapper', 'dynamic')
    options = ('optim_wrapper.type=AmpOptimWrapper', 'optim_wrapper.dtype=bfloat16')
    own = config('train', '--amp', '--cfg-options', *options).optim_wrapper
    assert own.dtype == 'bfloat16' and 'loss_scale' not in own


def test_images(config):
    assert 'draw' not in config('test').default_hooks.visualization
    hook = config('test', '--show-dir', 'images').default_hooks.visualization
    assert (hook.draw, hook.test_out_dir) == (True, 'images')
    assert 'show' not in hook
    hook = config('test', '--show', '--wait-time', '0.5').default_hooks.visualization
    assert (hook.draw, hook.show, hook.wait_time) == (True, True, 0.5)


def test_completion(config):
    prompts = ('--cfg-options', 'model.panoptic_head.prompts.box_prob=1')
    cfg = config('test', '--complete', 'box', *prompts)
    assert cfg.model.test_cfg.complete == 'box'
    assert cfg.test_evaluator == dict(type='CompletionMetric')


@pytest.mark.parametrize(
    ('expected', 'flags'),
    [
        ('no panoptic_head.prompts', 'test --complete visible_mask'),
        ('epoch_2.pth', 'train --resume epoch_2.pth'),
        ('base_batch_size', 'train --auto-scale-lr --cfg-options auto_scale_lr={}'),
        ('--amp: mixed precision needs a GPU', 'train --amp'),
        (
            'visualization hook',
            'test --show --cfg-options default_hooks.visualization=None',
        ),
        ('results.json', 'test --out results.json'),
    ],
)
def test_usage_errors(config, monkeypatch, expected, flags):
    monkeypatch.setattr(cli, 'get_device', lambda: 'cpu')
    with pytest.raises(cli.UsageError, match=expected):
        config(*flags.split())


def test_config_and_data_are_found_in_the_repository(toy_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    repo = tmp_path / 'repo'
    for module in (cli, paths):
        monkeypatch.setattr(module, 'REPO_ROOT', repo)
    (repo / 'data').mkdir(parents=True)
    shutil.copy(toy_config, repo)
    options = {'train_dataloader.dataset.data_root': 'data'}
    cfg, path = cli.load_config('toy_config.py', options)
    assert path == repo / 'toy_config.py'
    assert cfg.train_dataloader.dataset.data_root == str(repo / 'data')
    with pytest.raises(cli.UsageError, match='configs/none.py'):
        cli.load_config('configs/none.py')


def test_parameters_are_listed_in_the_log_file_only(toy_config, tmp_path, capsys):
    cfg, _ = cli.load_config(toy_config)
    cfg.launcher, cfg.work_dir = 'none', str(tmp_path)
    cfg.experiment_name = tmp_path.name
    cfg.log_level = 'INFO'
    cfg.optim_wrapper.paramwise_cfg = dict(bias_lr_mult=2.0)
    runner = cli.build_runner(cfg)
    runner.train()
    console = capsys.readouterr().out
    (log,) = tmp_path.glob('*/*.log')
    for text in (console, log.read_text()):
        assert 'Epoch(train) [4][4/4]' in text
    assert 'line.bias:lr=0.1' in log.read_text()
    assert 'line.bias' not in console


def test_resuming_without_a_checkpoint(config, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(cli, 'print_log', lambda text, **_: said.append(text))
    config('train', '--work-dir', 'new', '--resume')
    assert 'new has no checkpoint yet' in said[0]
    with pytest.raises(cli.UsageError, match='no file last_checkpoint.*last.pth'):
        config('train', '--work-dir', '.', '--resume')
    (tmp_path / 'last_checkpoint').touch()
    config('train', '--work-dir', '.', '--resume')


@pytest.mark.parametrize('text', ['a', 'a="[(1,2"'])
def test_options_without_a_value_are_one_line(config, capsys, text):
    with pytest.raises(SystemExit) as ended:
        config('train', '--cfg-options', text)
    assert ended.value.code == 1
    assert f'error: --cfg-options {text}: write KEY=VALUE' in capsys.readouterr().err
