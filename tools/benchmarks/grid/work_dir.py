"""What MMEngine left in the work dir of a run."""

import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.config import Config


def run_folders(folder: Path) -> list[Path]:
    """List MMEngine's folders of a work dir, one for each start.

    Args:
        folder (Path): The work dir.

    Returns:
        list[Path]: The folders, the oldest first: their names are times.
    """
    return sorted(path for path in folder.glob('[0-9]*_[0-9]*') if path.is_dir())


def last_step(cfg: Config) -> tuple[str, int]:
    """Look up how long a config trains.

    Args:
        cfg (Config): The config.

    Returns:
        tuple[str, int]: 'epoch' or 'iter', and how many.
    """
    if 'max_iters' in cfg.train_cfg:
        return 'iter', cfg.train_cfg.max_iters
    return 'epoch', cfg.train_cfg.max_epochs


def step_of(checkpoint: Path | None) -> int:
    """Read from a checkpoint's name how far the training had come.

    Args:
        checkpoint (Path, optional): The checkpoint, such as 'epoch_3.pth'.

    Returns:
        int: The epoch or iteration, 0 without a checkpoint.
    """
    return 0 if checkpoint is None else int(checkpoint.stem.rpartition('_')[2])


def last_checkpoint(folder: Path) -> Path | None:
    """Find the checkpoint to go on from.

    That is the one that MMEngine's file ``last_checkpoint`` names, wherever the work
    dir has been moved since. Where that is gone, since MMEngine may have been killed
    between deleting the last and finishing the next one: the latest complete one.

    Args:
        folder (Path): The work dir.

    Returns:
        Path | None: The checkpoint, None if there is none.
    """
    pointer = folder / 'last_checkpoint'
    if pointer.is_file():
        named = folder / Path(pointer.read_text().strip()).name
        if named.is_file():
            return named
    complete = [
        path
        for unit in ('epoch', 'iter')
        for path in folder.glob(f'{unit}_[0-9]*.pth')
        if zipfile.is_zipfile(path)
    ]
    return max(complete, key=step_of, default=None)


def point_to_last_checkpoint(folder: Path) -> Path | None:
    """Make MMEngine's ``--resume`` find :func:`last_checkpoint`.

    Args:
        folder (Path): The work dir.

    Returns:
        Path | None: The checkpoint that it will find, None if there is none.
    """
    checkpoint = last_checkpoint(folder)
    pointer = folder / 'last_checkpoint'
    if checkpoint is None:
        pointer.unlink(missing_ok=True)
    elif not pointer.is_file() or pointer.read_text().strip() != str(checkpoint):
        pointer.write_text(str(checkpoint.absolute()))
    return checkpoint


def drop_other_checkpoints(folder: Path, kept: Path) -> None:
    """Delete all checkpoints but one.

    Args:
        folder (Path): The work dir.
        kept (Path): The checkpoint to keep.
    """
    for path in folder.glob('*.pth'):
        if path.name != kept.name:
            path.unlink()


def read_scalars(folder: Path) -> list[dict]:
    """Read what was logged while training, over all resumed parts.

    Args:
        folder (Path): The work dir.

    Returns:
        list[dict]: What MMEngine logged, the oldest first.
    """
    rows = []
    for run in run_folders(folder):
        file = run / 'vis_data' / 'scalars.json'
        lines = file.read_text().splitlines() if file.is_file() else []
        for number, line in enumerate(lines, start=1):
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                # A killed run may leave half a line, at the end and nowhere else.
                if number < len(lines):
                    raise
    return rows


def train_minutes(rows: Sequence[dict], window_size: int) -> float | None:
    """Add up the times of the training iterations, validation not included.

    Each iteration counts once; those that a resumed run repeats, as they were
    repeated. A logged time is the mean over the last ``window_size`` iterations, so
    that the time up to one is that of its window and the time up to where the window
    begins: exact where the logging interval divides the window. Iterations between
    two windows count as those of the later one.

    Args:
        rows (Sequence[dict]): What :func:`read_scalars` returned.
        window_size (int): The config's ``log_processor.window_size``.

    Returns:
        float | None: The minutes, None if no time was logged.
    """
    # Seconds up to and including an iteration; the iterations ascend.
    passed = {0: 0.0}
    for row in rows:
        if 'iter' not in row or 'time' not in row:
            continue
        passed = {key: value for key, value in passed.items() if key < row['iter']}
        start = max(row['iter'] - window_size, 0)
        before = np.interp(start, list(passed), list(passed.values()))
        uncovered = max(start - max(passed), 0)
        seconds = (row['iter'] - start + uncovered) * row['time']
        passed[row['iter']] = float(before) + seconds
    return passed[max(passed)] / 60 if len(passed) > 1 else None


def validation_metrics(rows: Sequence[dict], step: int) -> dict[str, float]:
    """Pick the metrics of one validation.

    Args:
        rows (Sequence[dict]): What :func:`read_scalars` returned.
        step (int): The epoch or iteration after which it took place.

    Returns:
        dict[str, float]: The metrics, none if there was no validation then.
    """
    metrics = {}
    for row in rows:
        if 'iter' not in row and row.get('step') == step:
            metrics.update(only_metrics(row))
    return metrics


def only_metrics(row: dict) -> dict[str, float]:
    """Leave out what is no metric.

    Args:
        row (dict): What MMEngine logged.

    Returns:
        dict[str, float]: The entries whose names have a prefix, as 'amodal/...'.
    """
    return {name: value for name, value in row.items() if '/' in name}


def pid_at_work(folder: Path) -> int | None:
    """Find a process that trains in a work dir, whoever started it.

    Args:
        folder (Path): The work dir.

    Returns:
        int | None: Its process id; None if there is none, or if the system doesn't
        tell (it needs ``/proc``).
    """
    for process in Path('/proc').glob('[0-9]*'):
        try:
            words = (process / 'cmdline').read_text(errors='replace').split('\0')
            cwd = os.readlink(process / 'cwd')
        except OSError:
            # It has ended, or is another user's.
            continue
        for flag, value in zip(words, words[1:], strict=False):
            if flag == '--work-dir' and Path(cwd, value).resolve() in (
                folder.resolve(),
                (folder / 'test').resolve(),
            ):
                return int(process.name)
    return None
