import shutil

import pytest

from oaformer.datasets.atomic_write import find_overwritten
from oaformer.engine.launch import cli


@pytest.fixture
def make(toy_config, tmp_path, monkeypatch):
    """Runs in a folder with a config, a checkpoint and a data set."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(toy_config, 'config.py')
    shutil.copy(toy_config.with_name('toy.py'), tmp_path)
    (tmp_path / 'last.pkl').touch()
    (tmp_path / 'data/img').mkdir(parents=True)
    options = ['--cfg-options', f'test_dataloader.dataset.data_root={tmp_path}/data/']
    options += ['test_dataloader.dataset.data_prefix.img=img/']

    def build(*flags):
        args = ['config.py', 'last.pkl', *flags, *options]
        return cli.test_config(cli.test_parser().parse_args(args))

    return build


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        (('--out', 'last.pkl'), '--out last.pkl would overwrite the input last.pkl'),
        (('--out', '{}/data/../last.pkl'), 'would overwrite the input last.pkl'),
        (('--out', 'config.py/x.pkl'), 'config.py is not a folder'),
        (('--show-dir', '{}/data/img'), 'lies in the folder of the images, '),
        (('--show-dir', '{}/data/img/sub'), 'lies in the folder of the images, '),
        (('--show-dir', '{}/config.py'), 'config.py is not a folder'),
        (('--work-dir', 'config.py'), '--work-dir config.py cannot be written'),
    ],
)
def test_what_would_overwrite_an_input_is_refused(make, tmp_path, flags, message):
    with pytest.raises(cli.UsageError, match=message):
        make(*(flag.format(tmp_path) for flag in flags))


def test_other_folders_are_fine(make, tmp_path):
    for folder in ('data/img', f'{tmp_path}/data/img2', f'{tmp_path}/vis'):
        assert make('--show-dir', folder)


def test_a_config_in_its_work_dir_stays_as_it_is(make):
    # MMEngine writes WORK_DIR/config.py where the config has a file name
    assert make('--work-dir', '.').filename is None
    assert str(make('--work-dir', 'other').filename) == 'config.py'
    assert not find_overwritten(['other/config.py'], ['config.py'])
