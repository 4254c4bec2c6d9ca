"""One run with one seed: from whatever lies in its work dir to a record."""

import json
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from oaformer.evaluation import load_results

from . import work_dir
from .files import write_whole
from .fingerprint import TEST_SECTIONS, changed_sections, fingerprint, load_config
from .grid_file import GridError, Run
from .processes import Stop, run_command

STAMP = 'grid.json'
TAIL_LINES = 20


class FailedError(Exception):
    """A run could not be finished."""


@dataclass(frozen=True)
class Settings:
    """What all jobs share.

    Attributes:
        repo_root (Path): The repository's folder.
        tools (Path): The folder of train.py and test.py.
        environment (dict): What is recorded about machine and code.
        keep_checkpoints (bool): Whether to keep more than the last checkpoint.
        stop (Stop): Whether to stop.
    """

    repo_root: Path
    tools: Path
    environment: dict
    keep_checkpoints: bool
    stop: Stop


class Job:
    """A run with one seed.

    Args:
        run (Run): The run.
        seed (int): The seed.
        folder (Path): Its work dir.
        repo_root (Path): The repository's folder.

    Raises:
        GridError: If the config or its annotation files are missing.
    """

    def __init__(self, run: Run, seed: int, folder: Path, repo_root: Path) -> None:
        self.run, self.seed, self.folder = run, seed, folder
        self._root = repo_root
        self.cfg = load_config(run.config, repo_root)
        try:
            self.fingerprint = fingerprint(self.cfg, repo_root)
            self._trained = fingerprint(self.cfg, repo_root, without=TEST_SECTIONS)
        except GridError as error:
            raise GridError(f'{run.config} (run {run.name}): {error}') from error
        self._unit, self._last = work_dir.last_step(self.cfg)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f'{self.run.name} seed {self.seed}'

    @property
    def identity(self) -> tuple[str, int]:
        """What its result is found by."""
        return self.fingerprint, self.seed

    def state(self) -> str:
        """Say in words what there is in the work dir, and change nothing."""
        pid = work_dir.pid_at_work(self.folder)
        if pid is not None:
            return f'process {pid} is at work on it'
        changes = self._changes()
        if changes:
            return f'trained with other settings ({", ".join(changes)}): again'
        if self._test_metrics() is not None:
            return 'tested, not yet in the results'
        done = work_dir.step_of(work_dir.last_checkpoint(self.folder))
        if done >= self._last:
            return 'trained, to be tested'
        return f'to be trained, from {self._unit} {done} of {self._last}'

    def commands(self, tools: Path) -> tuple[list[str], list[str]]:
        """Build the commands that train and test.

        Args:
            tools (Path): The folder of train.py and test.py.

        Returns:
            tuple[list[str], list[str]]: The two commands.
        """
        checkpoint = work_dir.last_checkpoint(self.folder)
        train = [sys.executable, str(tools / 'train.py'), self.run.config]
        train += ['--work-dir', str(self.folder)]
        # Without a checkpoint --resume would only drop the config's `load_from`.
        train += ['--resume'] if checkpoint is not None else []
        train += ['--cfg-options', f'randomness.seed={self.seed}']
        last = self.folder / f'{self._unit}_{self._last}.pth'
        test = [sys.executable, str(tools / 'test.py'), self.run.config, str(last)]
        test += ['--work-dir', str(self.folder / 'test')]
        test += ['--out', str(self.folder / 'test' / 'predictions.pkl')]
        return train, test

    def perform(self, settings: Settings) -> dict:
        """Train and test as far as that is not done yet.

        Args:
            settings (Settings): What all jobs share.

        Returns:
            dict: The record for the file of the results.

        Raises:
            FailedError: If a command failed, with the end of its log.
            StoppedError: If it was stopped; what is done stays.
        """
        pid = work_dir.pid_at_work(self.folder)
        if pid is not None:
            raise FailedError(
                f'process {pid} is working in {self.folder}. Run the grid again when '
                'it has ended.'
            )
        changes = self._changes()
        if changes:
            self._set_aside(self.folder, f'trained ({", ".join(changes)})')
        stamp = self._stamp(settings)
        checkpoint = work_dir.point_to_last_checkpoint(self.folder)
        if work_dir.step_of(checkpoint) < self._last:
            train, _ = self.commands(settings.tools)
            self._execute(train, 'train.log', settings)
            self._refuse_edits()
        checkpoint = self.folder / f'{self._unit}_{self._last}.pth'
        if not checkpoint.is_file():
            raise FailedError(
                f'training ended without {checkpoint}; see {self.folder / "train.log"}.'
            )
        if self._test_metrics() is None:
            if self._test_is_stale():
                # An interrupted test must not leave the old metrics under a new stamp.
                self._set_aside(self.folder / 'test', 'tested')
            _write_stamp(self.folder / 'test', fingerprint=self.fingerprint)
            _, test = self.commands(settings.tools)
            self._execute(test, 'test.log', settings)
        record = self._record(stamp)
        if not settings.keep_checkpoints:
            work_dir.drop_other_checkpoints(self.folder, checkpoint)
        return record

    def _execute(self, command: list[str], log_name: str, settings: Settings) -> None:
        log = self.folder / log_name
        threads = settings.environment['threads']
        say(f'{self.name}: {shlex.join(command)} >> {log}')
        status = run_command(command, log, threads, settings.stop)
        if status != 0:
            lines = log.read_text(errors='replace').splitlines()[-TAIL_LINES:]
            tail = '\n'.join(f'    {line[:300]}' for line in lines)
            raise FailedError(f'exit status {status}. The end of {log}:\n{tail}')

    def _stamp(self, settings: Settings) -> dict:
        """Read, or write at the start, with what and on what it is trained."""
        if _read_stamp(self.folder) is None:
            found = work_dir.run_folders(self.folder)
            _write_stamp(
                self.folder,
                fingerprint=self._trained,
                environment=settings.environment,
                **(dict(picked_up=True) if found else {}),
            )
        return _read_stamp(self.folder)

    def _changes(self) -> list[str]:
        """Name what has changed since the training in the work dir was started."""
        stamp = _read_stamp(self.folder)
        if stamp is not None and stamp['fingerprint'] == self._trained:
            return []
        changes = [name for name in self._dump_changes() if name not in TEST_SECTIONS]
        return changes or ([] if stamp is None else ['annotation files'])

    def _dump_changes(self) -> list[str]:
        for folder in reversed(work_dir.run_folders(self.folder)):
            dump = self._dump(folder)
            if dump is not None:
                changes = self._compare(dump)
                seed = dump.get('randomness', {}).get('seed')
                return changes + ([] if seed == self.seed else ['randomness.seed'])
        return []

    def _compare(self, dump: Config) -> list[str]:
        try:
            return changed_sections(self.cfg, dump, self._root)
        except GridError:
            return ['annotation files']

    def _dump(self, folder: Path) -> Config | None:
        file = folder / 'vis_data' / 'config.py'
        return load_config(file, self._root) if file.is_file() else None

    def _refuse_edits(self) -> None:
        """Notice a config that was edited between the grid's start and the run's."""
        # A resumed run has dropped `load_from`.
        changes = set(self._dump_changes()) - TEST_SECTIONS - {'load_from'}
        if changes:
            raise FailedError(
                f'{self.run.config} was edited while the grid was running '
                f'({", ".join(sorted(changes))}). Start the grid again.'
            )

    def _set_aside(self, folder: Path, done: str) -> None:
        now = time.strftime('%Y%m%d_%H%M%S')
        aside = folder.with_name(f'{folder.name}.stale-{now}')
        say(f'{self.name}: changed since it was {done}. The old folder is now {aside}.')
        folder.rename(aside)

    def _test_is_stale(self) -> bool:
        stamp = _read_stamp(self.folder / 'test')
        return stamp is not None and stamp['fingerprint'] != self.fingerprint

    def _test_metrics(self) -> dict[str, float] | None:
        """Read what a test of the last checkpoint measured; None if there is none."""
        if self._test_is_stale():
            return None
        starts = [folder.name for folder in work_dir.run_folders(self.folder)]
        start = max(starts, default='')
        for folder in reversed(work_dir.run_folders(self.folder / 'test')):
            file = folder / f'{folder.name}.json'
            if not file.is_file() or folder.name <= start:
                continue
            dump = self._dump(folder)
            last = f'{self._unit}_{self._last}.pth'
            if dump is None or Path(dump.load_from).name != last:
                continue
            if set(self._compare(dump)) <= {'load_from'}:
                try:
                    return work_dir.only_metrics(json.loads(file.read_text()))
                except json.JSONDecodeError:
                    # Killed while it was written.
                    continue
        return None

    def _record(self, stamp: dict) -> dict:
        metrics = self._test_metrics()
        if not metrics:
            raise FailedError(
                f'the test left no metrics of {self.run.config} as it was when the '
                f'grid was started; see {self.folder / "test.log"}.'
            )
        rows = work_dir.read_scalars(self.folder)
        window = self.cfg.get('log_processor', {}).get('window_size', 10)
        record = dict(
            run=self.run.name,
            config=self.run.config,
            seed=self.seed,
            fingerprint=self.fingerprint,
            test=metrics,
        )
        validation = work_dir.validation_metrics(rows, self._last)
        if validation:
            record['val'] = validation
        minutes = work_dir.train_minutes(rows, window)
        if minutes is not None:
            record['train_minutes'] = round(minutes, 3)
        predictions = self.folder / 'test' / 'predictions.pkl'
        if predictions.is_file():
            record['test_images'] = len(load_results(predictions))
        record['environment'] = stamp['environment']
        if stamp.get('picked_up'):
            record['picked_up'] = True
        return record


def _write_stamp(folder: Path, **content: Any) -> None:
    write_whole(folder / STAMP, json.dumps(content, indent=1) + '\n')


def _read_stamp(folder: Path) -> dict | None:
    file = folder / STAMP
    return json.loads(file.read_text()) if file.is_file() else None


def say(message: str) -> None:
    """Print a line with the time.

    Args:
        message (str): The line.
    """
    print(f'[{time.strftime("%H:%M:%S")}] {message}', flush=True)
