"""One run with one seed: its identity, its work dir, and its commands."""

import functools
import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import IO, Any

from grid_file import GridError, Run
from mmengine.config import Config, DictAction

from oaformer.engine import cli

REPO_ROOT = Path(__file__).resolve().parents[2]
TRAINED = (
    'model train_dataloader optim_wrapper param_scheduler train_cfg custom_hooks '
    'load_from randomness'
).split()
TESTED = [*TRAINED, 'test_dataloader', 'test_evaluator', 'test_cfg']


class StoppedError(Exception):
    """A command was ended by Ctrl-C, SIGTERM or the time limit."""


class Job:
    """A run with one seed.

    The work dir is named after what is trained: a changed config or annotation file
    never meets old checkpoints.

    Args:
        name: The run's name.
        run: The run.
        seed: The seed.
        work_dir: The grid's work dir.

    Raises:
        GridError: If the config or an annotation file is missing.
    """

    def __init__(self, name: str, run: Run, seed: int, work_dir: Path) -> None:
        self.run_name, self.run, self.seed = name, run, seed
        self.name = f'{name} seed {seed}'
        self.options = [*run.cfg_options, f'randomness.seed={seed}']
        cfg = self.config()
        self.fingerprint = _fingerprint(cfg, TESTED)
        self.folder = work_dir / name / f'seed-{seed}_{_fingerprint(cfg, TRAINED)[:8]}'
        self._unit = 'iter' if 'max_iters' in cfg.train_cfg else 'epoch'
        self._last = cfg.train_cfg[f'max_{self._unit}s']

    def config(self) -> Config:
        """Read the config with this run's options."""
        options = dict(option.split('=', maxsplit=1) for option in self.options)
        options = {k: DictAction._parse_iterable(v) for k, v in options.items()}
        try:
            return cli.load_config(self.run.config, options)[0]
        except (ValueError, KeyError, TypeError) as error:
            raise GridError(f'{self.name}: {self.run.config}: {error}') from error

    def state(self) -> str:
        """Say what there is to do."""
        done = _step(self._checkpoint())
        if done >= self._last:
            return 'trained, to be tested'
        return f'to be trained, from {self._unit} {done} of {self._last}'

    def perform(self, tools: Path, run: Callable[[list[str], Path], None]) -> dict:
        """Train, from the last checkpoint on, and test.

        Args:
            tools: Folder of train.py and test.py.
            run: Runs a command with its output in a log.

        Returns:
            The record for the results.

        Raises:
            RuntimeError: If a command failed, or the config was edited.
            StoppedError: If it was stopped.
        """

        def execute(tool: str, work_dir: Path, *args: str) -> None:
            if _fingerprint(self.config(), TESTED) != self.fingerprint:
                raise RuntimeError('edited after the grid was started: start it again')
            command = [sys.executable, str(tools / f'{tool}.py'), self.run.config]
            command += [*args, '--work-dir', str(work_dir)]
            command += ['--cfg-options', *self.options]
            log = self.folder / f'{tool}.log'
            say(f'{self.name}: {shlex.join(command)} >> {log}')
            run(command, log)

        self.folder.mkdir(parents=True, exist_ok=True)
        checkpoint = self._checkpoint()
        if _step(checkpoint) < self._last:
            resume = [] if checkpoint is None else ['--resume', str(checkpoint)]
            execute('train', self.folder, *resume)
            checkpoint = self._checkpoint()
        if _step(checkpoint) < self._last:
            raise RuntimeError(f'no {self._unit}_{self._last}.pth in {self.folder}')
        test_dir = self.folder / f'test_{self.fingerprint[:8]}'
        out = test_dir / 'predictions.pkl'
        execute('test', test_dir, str(checkpoint), '--out', str(out))
        metrics = json.loads(max(test_dir.glob('*/*.json')).read_text())
        for path in set(self.folder.glob('*.pth')) - {checkpoint}:
            path.unlink()
        return dict(
            run=self.run_name,
            config=self.run.config,
            options=self.run.options,
            seed=self.seed,
            fingerprint=self.fingerprint,
            test={key: value for key, value in metrics.items() if '/' in key},
            train_minutes=round(train_minutes(self.folder), 3),
        )

    def _checkpoint(self) -> Path | None:
        """The last complete checkpoint: a killed training may leave half a file."""
        paths = self.folder.glob(f'{self._unit}_[0-9]*.pth')
        return max(filter(zipfile.is_zipfile, paths), key=_step, default=None)


def run_command(
    command: list[str], log: Path, *, threads: int, lock: IO, stop: Event
) -> None:
    """Run a command until it ends or is stopped.

    Args:
        command: The command.
        log: The file to which its output is added.
        threads: Its OMP_NUM_THREADS.
        lock: Inherited, so that it stays locked if only the runner is killed.
        stop: Set to kill the command and what it has started.

    Raises:
        RuntimeError: If it failed, with the end of its log.
        StoppedError: If it was stopped.
    """
    with open(log, 'ab') as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, 'OMP_NUM_THREADS': str(threads)},
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
    while process.poll() is None:
        if stop.wait(0.1):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise StoppedError
    if process.returncode != 0:
        tail = log.read_text(errors='replace').splitlines()[-20:]
        head = f'exit status {process.returncode}; {log} ends with'
        raise RuntimeError('\n    '.join([head, *tail]))


def train_minutes(folder: Path) -> float:
    """Minutes of the training iterations, without validation, from MMEngine's logs.

    A logged time is taken as the mean since the iteration logged before. Iterations
    that a resumed training repeats count once.

    Args:
        folder: The work dir, with a folder for each start.

    Returns:
        The minutes.
    """
    times: dict[int, float] = {}
    for file in sorted(folder.glob('*/vis_data/scalars.json')):
        for line in file.read_text().splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue  # a killed training may leave half a line
            if 'iter' in row and 'time' in row:
                times = {key: times[key] for key in times if key < row['iter']}
                times[row['iter']] = row['time']
    steps = zip([0, *times], times.items(), strict=False)
    return sum((step - before) * seconds for before, (step, seconds) in steps) / 60


def say(message: str) -> None:
    """Print a line with the time."""
    print(f'[{time.strftime("%H:%M:%S")}] {message}', flush=True)


def _step(checkpoint: Path | None) -> int:
    return 0 if checkpoint is None else int(checkpoint.stem.rpartition('_')[2])


def _fingerprint(cfg: Config, sections: Sequence[str]) -> str:
    content = {name: _identity(cfg[name]) for name in sections if name in cfg}
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _identity(node: Any) -> Any:
    """Annotation files by their content, other paths without the folder of the data."""
    if isinstance(node, str):
        return node.removeprefix(f'{REPO_ROOT}/')
    if isinstance(node, (list, tuple)):
        return [_identity(item) for item in node]
    if not isinstance(node, Mapping):
        return node
    node = dict(node)
    root = node.pop('data_root', None) or ''
    if node.get('ann_file'):
        path = Path(root, node['ann_file'])
        if not path.is_file():
            raise GridError(f'Annotation file {path} not found: make the data first.')
        node['ann_file'] = _digest(path, path.stat().st_mtime_ns)
    return {key: _identity(value) for key, value in node.items()}


@functools.lru_cache
def _digest(path: Path, mtime_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
