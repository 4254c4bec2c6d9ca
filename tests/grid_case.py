"""A grid of toy runs that takes a moment: see tests/toy_grid."""

import json
import runpy
from pathlib import Path

import pytest

REPO_ROOT = Path(__file__).resolve().parents[1]
CONFIG = """
model = dict(type='Toy', quality={quality})
train_dataloader = dict(dataset=dict(ann_file={annotations!r}))
test_dataloader = dict(dataset=dict(ann_file={annotations!r}))
train_cfg = dict(max_epochs=3)
log_processor = dict(window_size=1)
work_dir = 'anywhere'
"""
GRID = """
results = {folder!r} + '/results.json'
runs = {runs!r}
columns = dict(AP=dict(key='toy/AP', scale=100, digits=1))
tables = [dict(name='toy', title='Toys.', rows=[
    dict(name='row of ' + name, run=name) for name in {rows!r}])]
"""


class GridCase:
    """A folder with annotations, configs, a grid file and a Markdown file.

    Args:
        folder (Path): The folder.
    """

    def __init__(self, folder):
        self.folder = folder
        self.runs = {}
        self.results = folder / 'results.json'
        self.work_dir = folder / 'work'
        self.table = folder / 'results.md'
        self.annotations = folder / 'train.json'
        self.annotations.write_text('{"images": []}')
        self.table.write_text(
            'Before.\n<!-- grid:toy begin -->\nold\n<!-- grid:toy end -->\nAfter.\n'
        )

    def add_run(self, name, quality=0.5, seeds=(0,)):
        config = self.folder / f'{name}.py'
        config.write_text(
            CONFIG.format(quality=quality, annotations=str(self.annotations))
        )
        self.runs[name] = dict(config=str(config), seeds=list(seeds))
        return config

    def write(self):
        path = self.folder / 'toy_grid.py'
        path.write_text(
            GRID.format(folder=str(self.folder), runs=self.runs, rows=list(self.runs))
        )
        return str(path)

    def run(self, *flags, tools=REPO_ROOT / 'tests' / 'toy_grid'):
        """Run the tool, with the toy's tools if no others are given.

        Returns:
            int: Its exit status.
        """
        main = runpy.run_path(str(REPO_ROOT / 'tools' / 'benchmarks' / 'run_grid.py'))[
            'main'
        ]
        argv = [self.write(), '--work-dir', str(self.work_dir), *flags]
        with pytest.raises(SystemExit) as ended:
            main(argv, tools=tools)
        return ended.value.code

    def trace(self):
        """What the toy's tools were asked to do, in order."""
        file = self.work_dir / 'trace'
        return file.read_text().splitlines() if file.is_file() else []

    def records(self):
        return json.loads(self.results.read_text()) if self.results.is_file() else []
