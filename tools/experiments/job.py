"""One run with one seed: its identity, its work dir, and its commands."""

import functools
import hashlib
import json
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from grid_file import GridError, Run
from mmengine.config import Config

from oaformer.engine import cli

REPO_ROOT = Path(__file__).resolve().parents[2]
TRAINED = (
    'model train_dataloader optim_wrapper param_scheduler train_cfg custom_hooks '
    'load_from randomness'
).split()
TESTED = [*TRAINED, 'test_dataloader', 'test_evaluator', 'test_cfg']
# yapf, which writes configs, has global state
_DUMPING = threading.Lock()


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
        options = {**run.options, 'randomness.seed': seed}
        try:
            self.cfg, _ = cli.load_config(run.config, options)
        except (ValueError, KeyError, TypeError) as error:
            raise GridError(f'{self.name}: {run.config}: {error}') from error
        self.fingerprint = _fingerprint(self.cfg, TESTED)
        trained = _fingerprint(self.cfg, TRAINED)
        self.folder = work_dir / name / f'seed-{seed}_{trained[:8]}'
        self._test_dir = self.folder / f'test_{self.fingerprint[:8]}'
        self._unit = 'iter' if 'max_iters' in self.cfg.train_cfg else 'epoch'
        self._last = self.cfg.train_cfg[f'max_{self._unit}s']

    def state(self) -> str:
        """Say what there is to do."""
        done = _step(self._checkpoint())
        if done >= self._last:
            return 'trained, to be tested'
        return f'to be trained, from {self._unit} {done} of {self._last}'

    def commands(self, tools: Path) -> Iterator[tuple[list[str], Path]]:
        """Train, from the last checkpoint on, and test.

        Args:
            tools: Folder of train.py and test.py.

        Yields:
            A command and the file for its output; the next one when it has been run.

        Raises:
            RuntimeError: If there is no checkpoint after the training.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # a copy, so that the config can be edited meanwhile
        config = str(self.folder.with_suffix('.py'))
        with _DUMPING:
            self.cfg.dump(config)
        checkpoint = self._checkpoint()
        if _step(checkpoint) < self._last:
            train = [sys.executable, str(tools / 'train.py'), config]
            train += ['--work-dir', str(self.folder)]
            if checkpoint is not None:
                train += ['--resume', str(checkpoint)]
            yield train, self.folder / 'train.log'
            checkpoint = self._checkpoint()
        if _step(checkpoint) < self._last:
            raise RuntimeError(f'no {self._unit}_{self._last}.pth in {self.folder}')
        test = [sys.executable, str(tools / 'test.py'), config, str(checkpoint)]
        test += ['--work-dir', str(self._test_dir)]
        test += ['--out', str(self._test_dir / 'predictions.pkl')]
        yield test, self.folder / 'test.log'

    def finish(self) -> dict:
        """Delete all checkpoints but the last; returns the record of the results."""
        for path in set(self.folder.glob('*.pth')) - {self._checkpoint()}:
            path.unlink()
        metrics = json.loads(max(self._test_dir.glob('*/*.json')).read_text())
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


def train_minutes(folder: Path) -> float:
    """Minutes of the training iterations, without validation, from MMEngine's logs.

    A logged time is taken as the mean since the iteration logged before. Iterations
    that a resumed training repeats count once.

    Args:
        folder: The work dir, with a folder for each start.
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
