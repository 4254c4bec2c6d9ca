"""Running commands that can be stopped, some at a time."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.2
GRACE_SECONDS = 10


class StoppedError(Exception):
    """Somebody, or the time limit, ended the work."""


class Stop:
    """Whether to stop, and why.

    Args:
        minutes (float, optional): After how many to stop.
    """

    def __init__(self, minutes: float | None = None) -> None:
        self._deadline = None if minutes is None else time.monotonic() + minutes * 60
        self._signal: int | None = None

    def on_signal(self, number: int, frame: Any) -> None:
        """Ask to stop; a handler for :func:`signal.signal`."""
        self._signal = number

    @property
    def signalled(self) -> bool:
        """Whether a signal asked to stop."""
        return self._signal is not None

    @property
    def asked(self) -> bool:
        """Whether to stop."""
        late = self._deadline is not None and time.monotonic() >= self._deadline
        return self.signalled or late


def run_command(command: list[str], log: Path, threads: int, stop: Stop) -> int:
    """Run a command with its output in a log.

    Args:
        command (list[str]): The command.
        log (Path): The log, which is appended to.
        threads (int): Its ``OMP_NUM_THREADS``.
        stop (Stop): Ends the command, and whatever that has started, if asked.

    Returns:
        int: Its exit status.

    Raises:
        StoppedError: If it was ended.
    """
    if stop.asked:
        raise StoppedError
    with open(log, 'ab') as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, 'OMP_NUM_THREADS': str(threads)},
            start_new_session=True,
        )
        while True:
            try:
                return process.wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if stop.asked:
                    _end(process)
                    raise StoppedError from None


def _end(process: subprocess.Popen) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def run_all(
    items: Iterable[Any], work: Callable[[Any], None], number: int, stop: Stop
) -> None:
    """Work on items in order, some at a time, until all are done or it is to stop.

    Args:
        items (Iterable[Any]): The items.
        work (Callable): What to do with each; must handle its own errors.
        number (int): How many at a time.
        stop (Stop): Whether to stop.
    """
    waiting = queue.SimpleQueue()
    for item in items:
        waiting.put(item)

    def worker() -> None:
        while not stop.asked:
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            work(item)

    threads = [threading.Thread(target=worker) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
