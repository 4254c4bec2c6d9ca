import json
import logging
import runpy
import sys
import time

import pytest
import torch


@pytest.fixture
def tool(repo_root, monkeypatch):
    monkeypatch.syspath_prepend(str(repo_root / 'tools' / 'analysis_tools'))
    return repo_root / 'tools' / 'analysis_tools' / 'benchmark.py'


@pytest.fixture
def measuring(tool):
    from benchmark_suites import measure

    return measure


def case(measuring, stock, ours, check=lambda stock, ours: None):
    return measuring.Case('name', stock, ours, check, target=2.0)


def test_ratio_of_the_times(measuring):
    slow, fast = (lambda: time.sleep(0.03)), (lambda: time.sleep(0.01))
    result = measuring.measure(case(measuring, slow, fast), 5, 'cpu')
    assert 2 < result['ratio'] < 3.5
    assert result['smallest_ratio'] <= result['ratio'] <= result['largest_ratio']
    assert result['stock_seconds'] == pytest.approx(0.03, abs=0.01)


def test_results_are_compared(measuring):
    def check(stock, ours):
        assert stock == ours

    with pytest.raises(AssertionError):
        measuring.measure(case(measuring, lambda: 1, lambda: 2, check), 1, 'cpu')


def test_peak_memory_counts_what_is_freed_again(measuring):
    def use(mib):
        return lambda: torch.ones(mib * 2**18).sum()

    small, large = (measuring.peak_memory(use(mib), 'cpu')[1] for mib in (8, 128))
    assert large == pytest.approx(128, abs=12)
    assert small < 32


def run(tool, monkeypatch, *args):
    monkeypatch.setattr(sys, 'argv', [str(tool), *args])
    try:
        runpy.run_path(str(tool), run_name='__main__')
    finally:
        logging.disable(logging.NOTSET)


def test_table_and_file(tool, tmp_path, monkeypatch, capsys):
    out = tmp_path / 'numbers.json'
    run(tool, monkeypatch, '--suites', 'data', '--rounds', '1', '--out', str(out))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith('| suite | work |')
    assert lines[3].startswith('| data | 6 x 1440 x 1920, 12 instances |')
    content = json.loads(out.read_text())
    assert torch.__version__ in content['machine']
    (result,) = content['results']
    assert result['ratio'] > 1
    assert result['ours_peak_mib'] < result['stock_peak_mib']


def test_loader_suite_counts_images_per_second(tool, tmp_path, monkeypatch):
    from benchmark_suites import data, measure

    monkeypatch.setattr(data, 'LOADED', 3)
    (case,) = data.loader_cases('cpu', tmp_path)
    stock, ours = case.stock(), case.ours()
    assert len(ours) == case.images == 3
    assert all(tuple(masks.shape[1:]) == data.SIZE for masks in ours)
    case.check(stock, ours)
    with pytest.raises(AssertionError):
        case.check(stock, [1 - masks for masks in ours])
    shown = measure.Case('n', lambda: 1, lambda: 1, lambda *_: None, images=3)
    result = dict(suite='s', **measure.measure(shown, 1, 'cpu'))
    result.update(stock_seconds=2.0, ours_seconds=0.5)
    row = runpy.run_path(str(tool))['row'](result)
    assert '| 2.000 (1.5/s) | 0.500 (6.0/s) |' in row


def test_bad_arguments(tool, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(tool, monkeypatch, '--rounds', '0')
    assert 'at least 1' in capsys.readouterr().err
