import json
import runpy
import signal
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[3] / 'tools' / 'experiments' / 'run_grid.py'
# for the tests of its modules
sys.path.insert(0, str(TOOL.parent))

CONFIG = """
model = dict(type='Toy', quality=0.5)
train_dataloader = dict(dataset=dict(ann_file={annotations!r}))
train_cfg = dict(max_epochs=3)
"""
MARKERS = 'Before.\n<!-- grid:toy begin -->\n{}\n<!-- grid:toy end -->\nAfter.\n'


class GridCase:
    """A grid of runs of tests/toy_grid; each takes a moment."""

    def __init__(self, folder, repo_root):
        self.folder = folder
        self.tools = repo_root / 'tests' / 'toy_grid'
        self.runs = {}
        self.columns = dict(AP=dict(key='amodal/segm_mAP', scale=100, digits=1))
        self.work_dir = folder / 'work_dirs' / 'experiments' / 'results'
        self.table = folder / 'results.md'
        self.table.write_text(MARKERS.format('old'))
        self.annotations = folder / 'train.json'
        self.annotations.write_text('{}')
        self.config = folder / 'toy.py'
        self.config.write_text(CONFIG.format(annotations=str(self.annotations)))

    def add_run(self, name, quality, seeds=(0,)):
        options = {'model.quality': quality}
        self.runs[name] = dict(config=str(self.config), options=options, seeds=[*seeds])

    def arguments(self, *flags):
        rows = [dict(name=f'row of {name}', run=name) for name in self.runs]
        table = dict(name='toy', title='Toys.', columns=[*self.columns], rows=rows)
        path = self.folder / 'grid.py'
        path.write_text(
            f'results = {str(self.folder / "results.json")!r}\nruns = {self.runs}\n'
            f'columns = {self.columns}\ntables = [{table}]\n'
        )
        return [str(path), *flags]

    def run(self, *flags):
        """Run the tool and return its exit status."""
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(TOOL))['main'](self.arguments(*flags), self.tools)
        return ended.value.code

    def trace(self):
        """The starts and ends of the toy's tools, in order."""
        file = self.work_dir / 'trace'
        return file.read_text().splitlines() if file.is_file() else []

    def run_folder(self, name):
        """The work dir of a run with seed 0."""
        paths = self.work_dir.glob(f'{name}/seed-0_*')
        (folder,) = (path for path in paths if path.is_dir())
        return folder

    def records(self):
        file = self.folder / 'results.json'
        return json.loads(file.read_text()) if file.is_file() else []


@pytest.fixture
def grid(tmp_path, monkeypatch, repo_root):
    """A grid without runs, in the working folder."""
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)
    yield GridCase(tmp_path, repo_root)
    signal.signal(signal.SIGTERM, handler)
