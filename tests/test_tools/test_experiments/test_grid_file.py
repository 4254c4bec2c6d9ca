import pytest
import run_grid
from grid_file import GridError, read_grid
from mmdet.registry import MODELS
from mmengine.config import Config
from tables import replace_tables

from oaformer.datasets.synth_amodal import write_split

GRID = """
results = 'results.json'
runs = dict(a=dict(config='a.py', seeds=[0]), b=dict(config='b.py', seeds=[0, 1]))
columns = dict(
    AP=dict(key='amodal/segm_mAP', scale=100, digits=1),
    cup=dict(key='amodal/cup_precision'),
    minutes=dict(key='train_minutes'),
)
tables = [dict(name='t', title='T.', columns=['AP'], rows=[dict(name='A', run='a')])]
"""


@pytest.mark.parametrize(
    ('old', 'new', 'words'),
    [
        ("results = 'results.json'", '', "missing .*'results'"),
        ("'results.json'", "'results.json'; helper = 3", "'helper'"),
        ('seeds=[0])', 'seedz=[0])', "run a: .*'seedz'"),
        ('scale=100', 'scales=100', "column AP: .*'scales'"),
        ('segm_mAP', 'segm_mPA', "column AP: metric 'amodal/segm_mPA' not found"),
        ('train_minutes', 'minutes', "column minutes: metric 'minutes' not found"),
        ("title='T.'", "titel='T.'", "table t: .*'titel'"),
        ("run='a'", "run='c'", "table t: run 'c' not found among a, b"),
        ("run='a'", "run='a', base='c'", "table t: run 'c' not found"),
        ("run='a'", "run='a', papers={}", "table t: .*'papers'"),
        ("run='a'", "run='a', paper=dict(AR=3)", "paper column 'AR' not found among"),
        ("['AP']", "['AR']", "table t: column 'AR' not found"),
    ],
)
def test_unknown_keys_and_names_are_errors(tmp_path, old, new, words):
    assert old in GRID
    path = tmp_path / 'grid.py'
    path.write_text(GRID.replace(old, new))
    with pytest.raises(GridError, match=words):
        read_grid(str(path))


def test_the_grid_of_the_repository(repo_root, tmp_path, monkeypatch):
    grid = read_grid(str(repo_root / 'configs' / 'synth' / 'grid.py'))
    monkeypatch.chdir(tmp_path)
    for split in ('train', 'val', 'test'):
        write_split('data/synth_amodal', split, 1)
    # raises for two equal runs, too
    for each in run_grid.make_jobs(grid, tmp_path):
        if each.seed == 0:
            MODELS.build(each.cfg.model)
            each.cfg.dump('copy.py')
            assert Config.fromfile('copy.py').to_dict() == each.cfg.to_dict()
    shown = {row.run for table in grid.tables for row in table.rows}
    assert shown == grid.runs.keys()
    # the page has a place for each table
    page = repo_root / 'docs' / 'results.md'
    replace_tables(page, {table.name: '' for table in grid.tables})


def test_the_papers_differences_are_those_of_its_rows(repo_root):
    grid = read_grid(str(repo_root / 'configs' / 'synth' / 'grid.py'))
    compared = 0
    for table in grid.tables:
        paper = {row.run: row.paper for row in table.rows if row.base is None}
        for row in table.rows:
            for name, difference in row.paper.items() if row.base else ():
                expected = paper[row.run][name] - paper[row.base][name]
                assert difference == pytest.approx(expected)
                compared += 1
    assert compared == 12


def test_few_images_are_trained_as_long_as_all(repo_root):
    grid = read_grid(str(repo_root / 'configs' / 'synth' / 'grid.py'))
    lengths = {}
    for name, run in grid.runs.items():
        if name.startswith('images-'):
            dataset = Config.fromfile(repo_root / run.config)
            dataset.merge_from_dict(run.options)
            dataset = dataset.train_dataloader.dataset
            assert dataset.type == 'RepeatDataset'
            lengths[dataset.dataset.indices] = dataset.times * dataset.dataset.indices
    assert lengths == {20: 4800, 80: 4800, 320: 4800}
