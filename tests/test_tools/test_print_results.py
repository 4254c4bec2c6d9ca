import json
import runpy
import sys

import pytest


@pytest.fixture
def run(repo_root, tmp_path, monkeypatch):
    tool = repo_root / 'tools' / 'analysis_tools' / 'print_results.py'
    monkeypatch.setattr(sys, 'argv', [str(tool), str(tmp_path)])
    return lambda: runpy.run_path(str(tool), run_name='__main__')


def test_the_latest_run_is_printed(run, tmp_path, capsys):
    metrics = {
        'amodal/[red]_precision': 0.5,
        'amodal/segm_mAP': 0.256,
        'amodal/occlusion_rate_mae': 0.125,
        'coco/segm_mAP_50': 0.5,
        'time': 1.0,
    }
    runs = {'20260101_000000': {'amodal/segm_mAP': 0.1}, '20260102_000000': metrics}
    for name, content in runs.items():
        (tmp_path / name / 'vis_data').mkdir(parents=True)
        (tmp_path / name / f'{name}.json').write_text(json.dumps(content))
        (tmp_path / name / 'vis_data' / 'scalars.json').write_text('{}')
    run()
    lines = [line.split('│') for line in capsys.readouterr().out.splitlines()]
    assert [[cell.strip() for cell in line[1:3]] for line in lines if line[1:]] == [
        ['amodal/[red]_precision', '0.500'],
        ['amodal/segm_mAP', '25.6 %'],
        ['amodal/occlusion_rate_mae', '0.125'],
        ['coco/segm_mAP_50', '50.0 %'],
    ]


def test_nothing_tested_says_what_to_do(run, capsys):
    with pytest.raises(SystemExit):
        run()
    assert 'Run tools/test.py' in capsys.readouterr().err


@pytest.mark.parametrize('text', ['{', '[1]', '3'])
def test_a_broken_file_is_named(run, tmp_path, capsys, text):
    (tmp_path / '2').mkdir()
    (tmp_path / '2' / '2.json').write_text(text)
    with pytest.raises(SystemExit):
        run()
    assert '2.json has no metrics: ' in capsys.readouterr().err
