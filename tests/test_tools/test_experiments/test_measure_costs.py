import re
import runpy
import subprocess
import sys

import pytest

MARKERS = 'Before.\n<!-- grid:costs begin -->\nold\n<!-- grid:costs end -->\nAfter.\n'


@pytest.fixture
def tool(repo_root):
    return str(repo_root / 'tools' / 'experiments' / 'measure_costs.py')


@pytest.fixture
def grid(tmp_path, toy_config):
    """A grid of three toys, the last with an option that its model doesn't have."""
    runs = {name: dict(config=str(toy_config), seeds=[0]) for name in 'abc'}
    runs['c']['options'] = {'model.no_such': 1}
    rows = [dict(name=f'row of {name}', run=name) for name in runs]
    rows.append(dict(name='the difference', run='b', base='a'))
    table = dict(name='toy', title='Toys.', columns=[], rows=rows)
    path = tmp_path / 'grid.py'
    path.write_text(
        f'results = ""\nruns = {runs}\ncolumns = {{}}\ntables = [{table}]\n'
    )
    return str(path)


def test_parameters_times_and_memory(tool, grid, tmp_path):
    table = tmp_path / 'results.md'
    table.write_text(MARKERS)
    flags = ['--rounds', '2', '--iterations', '3', '--runs', 'a', 'b']
    command = [sys.executable, tool, grid, *flags, '--table', str(table)]
    subprocess.run(command, check=True)
    text = table.read_text()
    assert text.startswith('Before.') and text.endswith('After.\n')
    assert 'old' not in text
    # two parameters of a line: 0.00 million
    rows = re.findall(
        r'^\| (.*) \| 0\.00 \| \d+\.\d\d \| \d\.\d{3} \| (\d+) \|$', text, re.MULTILINE
    )
    assert [name for name, _ in rows] == ['row of a', 'row of b']
    # a process with torch in it, and not one of bytes or of KiB
    assert all(100 < int(peak) < 5000 for _, peak in rows)
    assert 'medians of 2 interleaved rounds of 3 iterations' in text.replace('\n', ' ')


@pytest.mark.parametrize(
    ('flags', 'message'),
    [
        (['--runs', 'd'], '--runs d: not in the first table'),
        (['--runs', 'c'], 'row of c: TypeError: '),
        (['--table', 'missing.md'], 'missing.md not found'),
    ],
)
def test_faults_end_in_one_line(tool, grid, flags, message):
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(tool)['main']([grid, *flags])
    assert ended.value.code.startswith('measure_costs.py: error: ')
    assert message in ended.value.code and '\n' not in ended.value.code
