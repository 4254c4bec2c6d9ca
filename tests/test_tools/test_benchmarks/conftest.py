import threading
import time

import pytest
from grid_case import REPO_ROOT, GridCase


@pytest.fixture(autouse=True)
def tool(monkeypatch):
    """The modules of tools/benchmarks can be imported."""
    monkeypatch.syspath_prepend(str(REPO_ROOT / 'tools' / 'benchmarks'))


@pytest.fixture
def grid(tmp_path, monkeypatch):
    """A grid without runs yet, in the working folder."""
    monkeypatch.setenv('TOY_SECONDS', '0')
    monkeypatch.chdir(tmp_path)
    return GridCase(tmp_path)


@pytest.fixture
def one(grid):
    """A grid of one run, 'one' with seed 0."""
    grid.add_run('one')
    return grid


@pytest.fixture
def in_background():
    """Call `then` in a thread as soon as `check` holds."""

    def start(check, then):
        def watch():
            end = time.monotonic() + 60
            while time.monotonic() < end and not check():
                time.sleep(0.02)
            then()

        thread = threading.Thread(target=watch)
        thread.start()
        return thread

    return start
