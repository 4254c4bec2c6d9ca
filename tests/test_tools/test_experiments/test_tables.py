import pytest
from grid_file import Column, Grid, GridError, Row, Run, Table
from tables import render_table, replace_tables

COLUMNS = dict(
    AP=dict(key='amodal/segm_mAP', scale=100, digits=1),
    mae=dict(key='amodal/occlusion_rate_mae'),
    minutes=dict(key='train_minutes', digits=1),
)


def record(minutes=10.0, made_with='Abacus', **metrics):
    metrics = {COLUMNS[name]['key']: value for name, value in metrics.items()}
    return dict(test=metrics, train_minutes=minutes, made_with=made_with)


def render(records, seeds=(0, 1, 2), paper_data='D2SA'):
    rows = [
        Row('without', 'wo', paper=dict(AP=61.7)),
        Row('with', 'base', paper=dict(AP=72.5)),
        Row('the ODM', 'base', 'wo', paper=dict(AP=10.8)),
    ]
    table = Table('odm', 'The ODM.', [*COLUMNS], rows, paper_data=paper_data)
    runs = {name: Run(f'{name}.py', [*seeds]) for name in ('wo', 'base')}
    columns = {name: Column(**column) for name, column in COLUMNS.items()}
    return render_table(table, Grid('r.json', runs, columns, [table]), records)


def test_hand_worked_table():
    # AP without: 40, 42, 44 -> 42 with deviation 2; with: 43, 44, 48 -> 45 with
    # sqrt((4 + 1 + 9) / 2) = 2.646; differences 3, 2, 4 -> 3 with deviation 1.
    text = render(
        dict(
            wo={0: record(AP=0.40), 1: record(AP=0.42), 2: record(AP=0.44)},
            base={
                0: record(AP=0.43, mae=0.1, minutes=12.0),
                1: record(AP=0.44, mae=0.2, minutes=12.0),
                2: record(AP=0.48, minutes=18.0, made_with='H100'),
            },
        )
    )
    assert text.splitlines()[:13] == [
        '**The ODM.**',
        '',
        '|  | AP | mae | minutes | AP (paper) | seeds |',
        '| --- | --- | --- | --- | --- | --- |',
        '| without | 42.0 ± 2.0 | - | 10.0 ± 0.0 | 61.7 | 3 |',
        '| with | 45.0 ± 2.6 | 0.150 ± 0.071 (2 of 3) | 14.0 ± 3.5 | 72.5 | 3 |',
        '',
        'Differences, paired by seed:',
        '',
        '|  | AP | mae | minutes | AP (paper) | seeds |',
        '| --- | --- | --- | --- | --- | --- |',
        '| the ODM | +3.0 ± 1.0 | - | +4.0 ± 3.5 | +10.8 | 3 |',
        '',
    ]
    assert ' '.join(text.splitlines()[13:]) == (
        "6 of 6 runs are in. (paper): the paper's own numbers, on D2SA. Means over "
        'seeds ± sample standard deviation; "1 seed" is a single run. Training took 72 '
        'minutes in all. Abacus. H100.'
    )


def test_missing_runs_are_dashes_and_counted():
    lines = render(dict(wo={1: record(AP=0.4)})).splitlines()
    assert '| without | 40.0 | - | 10.0 | 61.7 | 1 of 3 |' in lines
    assert '| with | - | - | - | 72.5 | 0 of 3 |' in lines
    assert '| the ODM | - | - | - | +10.8 | 0 |' in lines
    assert any(line.startswith('1 of 6 runs are in.') for line in lines)
    assert render({}, paper_data='').endswith('0 of 6 runs are in.')
    lines = render(dict(wo={0: record(AP=0.4)}), seeds=[0]).splitlines()
    assert '| without | 40.0 | - | 10.0 | 61.7 | 1 seed |' in lines


def test_differences_take_seeds_that_both_have():
    records = dict(
        wo={0: record(AP=0.1), 1: record(AP=0.2)},
        base={1: record(AP=0.19996), 2: record(AP=0.9)},
    )
    # -0.004 is no negative zero
    assert '| the ODM | +0.0 | - | +0.0 | +10.8 | 1 seed |' in render(records)


PAGE = (
    'a\n<!-- grid:one begin -->\n{}\n<!-- grid:one end -->\nb\n'
    '<!-- grid:two begin --><!-- grid:two end -->\nc\n'
)


@pytest.fixture
def page(tmp_path):
    page = tmp_path / 'page.md'
    page.write_text(PAGE.format('old'))
    return page


def test_markers(page):
    expected = PAGE.format('| 1 |').replace('two begin -->', 'two begin -->\n| 2 |\n')
    for _ in range(2):
        page.write_text(replace_tables(page, dict(one='| 1 |', two='| 2 |')))
        assert page.read_text() == expected


def test_a_complete_table_is_kept_until_the_new_one_is_complete(page):
    page.write_text(PAGE.format('published\n\n9 of 9\nruns are in.'))
    part, whole = '| 1 |\n\n19 of 20 runs are in.', '| 1 |\n\n20 of 20 runs are in.'
    assert 'published' in replace_tables(page, dict(one=part))
    assert 'published' not in replace_tables(page, dict(one=whole))
    page.write_text(PAGE.format('1 of 20 runs are in.'))
    assert part in replace_tables(page, dict(one=part))


@pytest.mark.parametrize(
    ('old', 'new'),
    [
        ('<!-- grid:two end -->', ''),
        ('c\n', '<!-- grid:two begin -->'),
        ('begin --><!-- grid:two end', 'end --><!-- grid:two begin'),
    ],
)
def test_missing_markers_are_errors(page, old, new):
    page.write_text(PAGE.replace(old, new))
    with pytest.raises(GridError, match='the lines <!-- grid:two begin -->'):
        replace_tables(page, dict(two='| 2 |'))
