import errno
import io
import os
import pickle
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from mmdet.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.registry import Registry

from oaformer.datasets.findings import AnnotationError
from oaformer.datasets.images import ImageError
from oaformer.engine import CheckpointMisfitError, ClassMismatchError
from oaformer.engine.launch import cli, faults, faults_in_one_line

THINGS = Registry('thing')


@THINGS.register_module()
class Thing:
    def __init__(self, size, inner=None):
        if size < 0:
            raise ValueError(f'size must be positive, not {size}')
        self.half = int(size / 2) + len([][int(size > 8) :])
        self.inner = inner and THINGS.build(inner)
        if size == 7:
            raise_from_below(ValueError('shapes'))
        if size == 6:
            int('x')


@THINGS.register_module()
class Child(Thing):
    def __init__(self, **options):
        super().__init__(**options)


def raise_from_below(error):
    raise error


def worker_text(name, *lines):
    """What torch makes of an error in a data loading worker."""
    head = f'Caught {name} in DataLoader worker process 0.\nOriginal Traceback '
    code = '  File "loading.py", line 3, in load\n    raise Error: "registry"\n'
    return f'{head}(most recent call last):\n{code}{name}: ' + '\n'.join(lines) + '\n'


@pytest.mark.parametrize(
    ('error', 'words'),
    [
        (AnnotationError('a.json: no'), 'a.json: no'),
        (ImageError('a.png could not be read'), 'a.png could not be read'),
        (ClassMismatchError('3 and 4'), '3 and 4'),
        (CheckpointMisfitError('no odm'), 'no odm'),
        (pickle.UnpicklingError('wants os.system'), 'wants os.system'),
        (cli.UsageError('--amp: no GPU'), '--amp: no GPU'),
        (FileNotFoundError(2, 'No such file', 'a'), "[Errno 2] No such file: 'a'"),
        (PermissionError(13, 'denied', 'a'), "[Errno 13] denied: 'a'"),
        (OSError(errno.ENOSPC, 'No space left'), '[Errno 28] No space left'),
        (
            ConnectionError('not downloaded: put it there'),
            'not downloaded: put it there',
        ),
        (
            FileNotFoundError(worker_text('FileNotFoundError', "gone: 'a: 1.png'")),
            "gone: 'a: 1.png'",
        ),
        (AnnotationError(worker_text('x.AnnotationError', 'a:', 'b', '')), 'a: b'),
        (
            AssertionError(
                worker_text('AssertionError', 'failed to load image: b.png')
            ),
            'failed to load image: b.png. Is the file complete? '
            'tools/dataset_converters/check_amodal.py lists all such files.',
        ),
        (
            ValueError('a and b should be either all None or not None, but got a={1}'),
            'a and b should be either all None or not None. Set all of them, or all to '
            'None.',
        ),
        (
            torch.OutOfMemoryError('CUDA out of memory. Tried 2 GiB. GPU 0 has 1 GiB'),
            f'CUDA out of memory. Tried 2 GiB. {faults.OUT_OF_MEMORY}',
        ),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes."),
            "DefaultCPUAllocator: can't allocate memory: 9 bytes. "
            f'{faults.OUT_OF_MEMORY}',
        ),
        (MemoryError(), f'Out of memory. {faults.OUT_OF_MEMORY}'),
    ],
)
def test_a_fault_of_the_user_is_one_line(error, words):
    assert faults.describe_fault(error) == words
    with pytest.raises(SystemExit) as ended, faults_in_one_line():
        raise error
    assert ended.value.code.endswith(f': error: {words}')
    assert '\n' not in ended.value.code


class Images(torch.utils.data.Dataset):
    def __init__(self, error):
        self.error = error

    def __len__(self):
        return 1

    def __getitem__(self, index):
        try:
            raise OSError('from below')
        except OSError:
            raise self.error  # noqa: B904


def test_a_fault_found_by_a_data_loading_worker():
    def load(error):
        with faults_in_one_line():
            next(iter(torch.utils.data.DataLoader(Images(error), num_workers=1)))

    with pytest.raises(SystemExit, match=r': error: a\.png: cut, or: not an image$'):
        load(ImageError('a.png: cut,\n or: not an image'))
    with pytest.raises(ValueError, match='in DataLoader worker process 0'):
        load(ValueError('shapes'))


@pytest.mark.parametrize(
    'error',
    [
        ValueError('shapes'),
        KeyError('x'),
        TypeError("f() got an unexpected keyword argument 'a'"),
        RuntimeError('CUDA error: device-side assert triggered'),
        BlockingIOError(errno.EAGAIN, 'again'),
        io.UnsupportedOperation('not writable'),
        # the traceback of a worker shows lines of code, here with "registry"
        ValueError(worker_text('ValueError', 'shapes')),
        # no other process is there
        RuntimeError('Connection closed by peer'),
    ],
)
def test_an_error_of_the_program_keeps_its_traceback(error):
    with pytest.raises(type(error)), faults_in_one_line():
        raise error


@pytest.mark.parametrize(
    ('config', 'words'),
    [
        (dict(type='Nothing'), 'Nothing is not in the .*thing registry'),
        (dict(size=3), 'the config: .* must contain the key "type"'),
        ('Thing', 'the config: cfg should be a dict'),
        (dict(type='Thing', size=3, sice=4), 'the config: .*unexpected .*sice'),
        (dict(type='Thing'), 'the config: .*missing 1 required .*size'),
        (dict(type='Child', size=3, sice=4), 'the config: .*unexpected .*sice'),
        (dict(type='Thing', size=-1), 'the config: Thing: size must be positive'),
        (
            dict(type='Thing', size=3, inner=dict(type='Thing', size=-1)),
            'the config: Thing: size must be positive',
        ),
    ],
)
def test_a_setting_that_its_class_does_not_take(config, words):
    with pytest.raises(SystemExit, match=f'error: {words}'), faults_in_one_line():
        THINGS.build(config)


@pytest.mark.parametrize('size', [None, 6, 7])
def test_a_mistake_in_a_constructor_keeps_its_traceback(size):
    with pytest.raises((TypeError, ValueError)), faults_in_one_line():
        THINGS.build(dict(type='Thing', size=size))


def test_an_option_that_replaced_a_number_is_named(toy_config):
    options = {'train_cfg.max_epochs': 'abc', 'model.type': 'ToyModel'}
    words = r"--cfg-options train_cfg.max_epochs: .* number 4, not 'abc' \(invalid"
    with pytest.raises(SystemExit, match=words), faults_in_one_line():
        cli.load_config(toy_config, options)
        raise_from_below(ValueError('invalid literal'))


def test_a_tool_adds_its_own_errors():
    with pytest.raises(SystemExit, match='error: odd'), faults_in_one_line(LookupError):
        raise LookupError('odd')


def test_the_traceback_is_in_the_log_file(tmp_path, capsys):
    logger = MMLogger.get_instance('test_faults', log_file=str(tmp_path / 'run.log'))
    assert MMLogger.get_current_instance() is logger
    with pytest.raises(SystemExit), faults_in_one_line():
        raise_from_below(AnnotationError('a.json: no'))
    log = (tmp_path / 'run.log').read_text()
    assert 'in raise_from_below' in log and log.endswith(
        'AnnotationError: a.json: no\n'
    )
    assert capsys.readouterr().out == ''


@pytest.fixture
def of_two(monkeypatch):
    """A process of a distributed run that ends without ending the tests."""
    ended = []

    def leave(status):
        ended.append(status)
        raise SystemExit

    # as a run has one; a new one asks for the rank
    MMLogger.get_instance('test_faults')
    monkeypatch.setattr(dist, 'is_initialized', lambda: True)
    monkeypatch.setattr(faults.logging, 'shutdown', lambda: None)
    monkeypatch.setattr(faults.os, '_exit', leave)
    slept = []
    monkeypatch.setattr(faults.time, 'sleep', slept.append)
    return SimpleNamespace(ended=ended, slept=slept)


@pytest.mark.parametrize(
    ('rank', 'error', 'waits'),
    [
        ('0', AnnotationError('a.json: no'), False),
        ('1', AnnotationError('a.json: no'), True),
        ('0', RuntimeError('[gloo] Connection closed by peer'), True),
    ],
)
def test_one_process_speaks(of_two, monkeypatch, capsys, rank, error, waits):
    monkeypatch.setenv('RANK', rank)
    with pytest.raises(SystemExit), faults_in_one_line():
        raise error
    assert of_two.ended == [1] and bool(of_two.slept) == waits
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('code: EADDRINUSE, port: 29500', 'port 29500 is in use.* PORT=29501 before'),
        (
            'connect timed out',
            'did not meet at None, port 29500: are MASTER_ADDR, PORT',
        ),
    ],
)
def test_processes_that_do_not_meet(monkeypatch, text, words):
    for name in ('MASTER_PORT', 'MASTER_ADDR'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit, match=words), faults_in_one_line():
        raise dist.DistNetworkError(text)


# the real tools, in a folder with the files of :func:`folder`
TOOL_FAULTS = {
    'train.py cut.py': 'never closed',
    'train.py own.py --cfg-options model.odd=1': "unexpected keyword argument 'odd'",
    'train.py own.py --cfg-options train_cfg.max_epochs=abc': 'has the number 4, not',
    'train.py own.py --cfg-options load_from=cut.pth': 'the copy or the download compl',
    'test.py own.py damaged.pth': "(it begins with b'<!DOCTYPE html>')",
    'analysis_tools/eval_metric.py own.py odd.pkl': 'does not hold predictions',
    'analysis_tools/analyze_results.py own.py absent.pkl': 'There are no predictions',
    'analysis_tools/browse_dataset.py own.py --cfg-options '
    'train_dataloader.dataset.type=Nope': 'Nope is not in the mmdet::dataset',
    'analysis_tools/loss_gradients.py own.py code.pth': 'it also wants',
}


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('faults')
    toy = os.path.join(os.path.dirname(__file__), '../../toy_project/toy_config.py')
    (folder / 'own.py').write_text(f'_base_ = {os.path.abspath(toy)!r}\n')
    (folder / 'cut.py').write_text('model = dict(\n')
    (folder / 'damaged.pth').write_text('<!DOCTYPE html>')
    torch.save(dict(state_dict=dict(a=torch.zeros(9999))), folder / 'whole.pth')
    (folder / 'cut.pth').write_bytes((folder / 'whole.pth').read_bytes()[:2000])
    torch.save(dict(a=MODELS), folder / 'code.pth')
    (folder / 'odd.pkl').write_bytes(pickle.dumps([1]))
    return folder


@pytest.mark.parametrize('command', TOOL_FAULTS)
def test_tools_end_in_one_line(folder, repo_root, command):
    tool, *arguments = command.split()
    result = subprocess.run(
        [sys.executable, '-W', 'ignore', str(repo_root / 'tools' / tool), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f'{os.path.basename(tool)}: error: ')
    assert TOOL_FAULTS[command] in line
    assert 'Traceback' not in result.stdout
