import importlib.util
import json

import pytest


@pytest.fixture
def print_results(repo_root):
    path = repo_root / 'tools' / 'analysis_tools' / 'print_results.py'
    spec = importlib.util.spec_from_file_location('print_results', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_latest_run_is_read(print_results, tmp_path):
    for name, value in [('20260101_000000', 0.1), ('20260102_000000', 0.2)]:
        (tmp_path / name / 'vis_data').mkdir(parents=True)
        content = {'amodal/segm_mAP': value, 'time': 1.0}
        (tmp_path / name / f'{name}.json').write_text(json.dumps(content))
        (tmp_path / name / 'vis_data' / 'scalars.json').write_text('{}')
    assert print_results.latest_metrics(tmp_path) == {'amodal/segm_mAP': 0.2}


def test_nothing_tested_says_what_to_do(print_results, tmp_path):
    with pytest.raises(FileNotFoundError, match='Run tools/test.py'):
        print_results.latest_metrics(tmp_path)


def test_table(print_results):
    table = print_results.build_table(
        {
            'amodal/segm_mAP': 0.256,
            'amodal/segm_mAP_s': -1.0,
            'amodal/occlusion_rate_mae': 0.125,
            'visible/segm_mAP_50': None,
        }
    )
    cells = [list(column.cells) for column in table.columns]
    assert cells == [
        ['amodal', 'amodal', 'amodal', 'visible'],
        ['AP', 'AP small', 'occlusion_rate_mae', 'AP50'],
        ['25.6 %', 'n/a', '0.125', 'n/a'],
    ]
