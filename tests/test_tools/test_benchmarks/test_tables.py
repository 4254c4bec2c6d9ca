import pytest
from grid_case import REPO_ROOT

PERCENT = dict(scale=100, digits=1)
ENVIRONMENT = dict(
    cpu='Abacus', cores=2, threads=1, jobs=2, torch='2.13', mmdet='3.3', python='3.11'
)


def record(minutes=10.0, images=200, environment=ENVIRONMENT, **metrics):
    return dict(
        test={f'amodal/{name}': value for name, value in metrics.items()},
        train_minutes=minutes,
        test_images=images,
        environment=environment,
    )


def table(**changes):
    from grid.grid_file import Column, Effect, Row, Run, Table

    content = dict(
        name='odm',
        title='The ODM.',
        columns=[
            Column('AP', 'amodal/AP', **PERCENT),
            Column('rate error', 'amodal/mae'),
            Column('minutes', 'train_minutes', digits=1),
        ],
        rows=[Row('without', 'wo', dict(AP=61.7)), Row('with', 'base', dict(AP=72.5))],
        effects=[Effect('the ODM', 'base', 'wo', dict(AP=10.8))],
        paper_data='D2SA',
    )
    runs = {name: Run(name, f'{name}.py', [0, 1, 2]) for name in ('wo', 'base')}
    return Table(**{**content, **changes}), runs


def test_hand_worked_table():
    from grid.tables import render_table

    # AP without: 40, 42, 44 -> 42 with deviation 2; with: 43, 44, 48 -> 45 with
    # sqrt((4 + 1 + 9) / 2) = 2.646; differences 3, 2, 4 -> 3 with deviation 1.
    results = dict(
        wo={0: record(AP=0.40), 1: record(AP=0.42), 2: record(AP=0.44)},
        base={
            0: record(AP=0.43, mae=0.1, minutes=12.0),
            1: record(AP=0.44, mae=0.2, minutes=12.0),
            2: record(AP=0.48, minutes=18.0),
        },
    )
    text = render_table(*table(), results)
    assert text.splitlines()[:13] == [
        '**The ODM.**',
        '',
        '|  | AP | rate error | minutes | AP (paper) | seeds |',
        '| --- | --- | --- | --- | --- | --- |',
        '| without | 42.0 ± 2.0 | - | 10.0 ± 0.0 | 61.7 | 3 |',
        '| with | 45.0 ± 2.6 | 0.150 ± 0.071 (2 of 3) | 14.0 ± 3.5 | 72.5 | 3 |',
        '',
        'Differences, paired by seed:',
        '',
        '|  | AP | rate error | minutes | AP (paper) | seeds |',
        '| --- | --- | --- | --- | --- | --- |',
        '| the ODM | +3.0 ± 1.0 | - | +4.0 ± 3.5 | +10.8 | 3 |',
        '',
    ]
    assert ' '.join(text.splitlines()[13:]) == (
        '6 of 6 runs are in. Means over seeds ± sample standard deviation; '
        '"1 seed" is a single run. (paper): the paper\'s own numbers, on D2SA. '
        'Tested on 200 images. Training took 72 minutes in all. '
        'Abacus, 2 cores, threads of a run: 1, runs at a time: 2; '
        'torch 2.13, MMDetection 3.3, Python 3.11.'
    )


def test_differences_take_only_seeds_that_both_have():
    from grid.tables import paired_differences

    column = table()[0].columns[0]
    base = {0: record(AP=0.1), 1: record(AP=0.2), 3: record(mae=0.5)}
    ours = {1: record(AP=0.5), 2: record(AP=0.9), 3: record(AP=0.9)}
    assert paired_differences(ours, base, column) == pytest.approx([30])


def test_missing_runs_are_dashes_and_counted():
    from grid.tables import render_table

    lines = render_table(*table(paper_data=''), dict(wo={1: record(AP=0.4)})).split(
        '\n'
    )
    assert '| without | 40.0 | - | 10.0 | 61.7 | 1 of 3 |' in lines
    assert '| with | - | - | - | 72.5 | 0 of 3 |' in lines
    assert '| the ODM | - | - | - | +10.8 | 0 |' in lines
    assert any(line.startswith('1 of 6 runs are in.') for line in lines)
    nothing = render_table(*table(), {})
    assert '0 of 6 runs are in. (paper)' in nothing
    assert 'minutes in all' not in nothing


def test_one_planned_seed_is_marked():
    from grid.grid_file import Run
    from grid.tables import render_table

    one = dict(wo=Run('wo', 'wo.py', [0]), base=Run('base', 'base.py', [0]))
    results = dict(wo={0: record(AP=0.4)}, base={0: record(AP=0.3)})
    lines = render_table(table()[0], one, results).split('\n')
    assert '| without | 40.0 | - | 10.0 | 61.7 | 1 seed |' in lines
    assert '| the ODM | -10.0 | - | +0.0 | +10.8 | 1 seed |' in lines


def test_each_machine_is_named_with_its_runs():
    from grid.tables import render_table

    gpu = dict(ENVIRONMENT, gpu='H100')
    results = dict(
        wo={0: record(AP=0.4), 1: record(AP=0.4)},
        base={0: record(AP=0.3, environment=gpu, images=60)},
    )
    text = ' '.join(render_table(*table(), results).split())
    assert 'Tested on 60 or 200 images.' in text
    assert 'H100; torch 2.13, MMDetection 3.3, Python 3.11 (1 run).' in text
    assert 'Python 3.11 (2 runs).' in text


PAGE = (
    'a\n<!-- grid:one begin -->\nold\n<!-- grid:one end -->\nb\n'
    '<!-- grid:two begin --><!-- grid:two end -->\nc\n'
)


def test_markers(tmp_path):
    from grid.markdown import check_markers, replace_tables

    page = tmp_path / 'page.md'
    page.write_text(PAGE)
    check_markers(page, ['one', 'two'])
    for _ in range(2):
        replace_tables(page, dict(one='| 1 |', two='| 2 |'))
        assert page.read_text() == (
            'a\n<!-- grid:one begin -->\n| 1 |\n<!-- grid:one end -->\nb\n'
            '<!-- grid:two begin -->\n| 2 |\n<!-- grid:two end -->\nc\n'
        )


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('<!-- grid:two end -->', ''),
        ('<!-- grid:two begin -->', ''),
        ('c\n', '<!-- grid:two begin -->'),
        (
            '<!-- grid:two begin --><!-- grid:two end -->',
            '<!-- grid:two end --><!-- grid:two begin -->',
        ),
    ],
)
def test_missing_markers_are_errors(tmp_path, old, new):
    from grid.grid_file import GridError
    from grid.markdown import check_markers, replace_tables

    page = tmp_path / 'page.md'
    page.write_text(PAGE.replace(old, new))
    with pytest.raises(GridError, match='the line <!-- grid:two begin --> once'):
        check_markers(page, ['one', 'two'])
    # While a grid runs for hours, somebody may edit the page.
    with pytest.raises(GridError, match='the line <!-- grid:two begin --> once'):
        replace_tables(page, dict(one='| 1 |', two='| 2 |'))
    assert page.read_text() == PAGE.replace(old, new)


GRID = """
results = 'results.json'
runs = dict(a=dict(config='a.py', seeds=[0, 1]), b=dict(config='b.py', seeds=[0]))
columns = dict(AP=dict(key='amodal/AP', scale=100, digits=1), mae=dict(key='mae'))
tables = [dict(name='t', title='T.', rows=[dict(name='A', run='a')])]
"""


def test_grid_file(tmp_path):
    from grid.grid_file import read_grid

    path = tmp_path / 'grid.py'
    path.write_text('_helper = 3\n' + GRID)
    grid = read_grid(path)
    assert list(grid.runs) == ['a', 'b']
    assert grid.runs['a'].seeds == [0, 1]
    assert [column.name for column in grid.tables[0].columns] == ['AP', 'mae']


@pytest.mark.parametrize(
    ('old', 'new', 'words'),
    [
        ("results = 'results.json'", 'helper = 3', 'unknown: helper, results'),
        ('seeds=[0, 1]', 'seeds=[0, 0]', 'run a must have seeds, and each once'),
        ("run='a')", "run='c')", 'table t: there is no run c'),
        ("run='a')", "run='a', papers={})", "table t: .*'papers'"),
        ("run='a')", "run='a', paper=dict(AR=3))", 'does not have: AR'),
        ("title='T.'", "title='T.', columns=['AR']", 'there is no column AR'),
        ("key='mae'", 'digits=1', "column mae: .*'key'"),
    ],
)
def test_errors_in_a_grid_file(tmp_path, old, new, words):
    from grid.grid_file import GridError, read_grid

    assert old in GRID
    path = tmp_path / 'grid.py'
    path.write_text(GRID.replace(old, new))
    with pytest.raises(GridError, match=words):
        read_grid(path)


def test_the_grid_of_the_repository():
    from grid.grid_file import read_grid

    grid = read_grid(REPO_ROOT / 'configs' / 'benchmarks' / 'synth_amodal.py')
    for run in grid.runs.values():
        assert (REPO_ROOT / run.config).is_file()
    shown = {row.run for table in grid.tables for row in table.rows}
    assert shown == grid.runs.keys()
    # The paper's differences are the differences of its rows.
    compared = 0
    for each in grid.tables:
        paper = {row.run: row.paper for row in each.rows}
        for effect in each.effects:
            for name, difference in effect.paper.items():
                expected = paper[effect.run][name] - paper[effect.base][name]
                assert difference == pytest.approx(expected)
                compared += 1
    assert compared == 12


def test_the_page_has_a_place_for_each_table():
    from grid.grid_file import read_grid
    from grid.markdown import check_markers

    grid = read_grid(REPO_ROOT / 'configs' / 'benchmarks' / 'synth_amodal.py')
    page = REPO_ROOT / 'docs' / 'results.md'
    check_markers(page, [table.name for table in grid.tables])
