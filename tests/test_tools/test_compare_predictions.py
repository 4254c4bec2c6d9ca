import re
import runpy

import pytest
from mmengine.evaluator import Evaluator
from report_scene import predictions, write_run

from oaformer.evaluation import AmodalCocoMetric, DumpAmodalResults


@pytest.fixture
def main(repo_root):
    tool = repo_root / 'tools' / 'analysis_tools' / 'compare_predictions.py'
    return runpy.run_path(str(tool))['main']


@pytest.fixture
def files(tmp_path):
    """A config, predictions, the same with turned scores, and those of one image."""
    write_run(tmp_path)
    metric = AmodalCocoMetric(str(tmp_path / 'val.json'))
    expected = dump(predictions(), tmp_path / 'good.pkl', metric)
    turned = predictions()
    for sample in turned:
        instances = sample['pred_instances']
        instances['scores'] = 1 - instances['scores']
    dump(turned, tmp_path / 'turned.pkl')
    dump(turned[:1], tmp_path / 'part.pkl')
    names = ('good.pkl', 'turned.pkl', 'part.pkl')
    return str(tmp_path / 'config.py'), [str(tmp_path / n) for n in names], expected


def dump(samples, file, *metrics):
    evaluator = Evaluator([DumpAmodalResults(str(file)), *metrics])
    for sample in samples:
        evaluator.process([sample])
    return evaluator.evaluate(len(samples))


def table(text):
    rows = re.findall(r'^\| (\w+) \| (.*) \|$', text, re.MULTILINE)
    return {name: cells.split(' | ') for name, cells in rows}


# two images are few
@pytest.mark.filterwarnings('ignore:The BCa')
def test_table(main, files, capsys):
    config, (good, turned, _), expected = files
    command = [config, '--first', good, good, '--second', turned, good]
    main([*command, '--resamples', '20'])
    rows = table(capsys.readouterr().out)
    # none is partly occluded
    assert len(rows) == 8 and 'segm_mAP_occlusion_partial' not in rows
    first, second, difference, interval, deviation = rows['segm_mAP_50']
    assert float(first) == pytest.approx(expected['amodal/segm_mAP_50'], abs=6e-4)
    assert float(difference) == pytest.approx(float(first) - float(second), abs=2e-3)
    assert float(difference) > 0
    low, high = map(float, interval.split(' to '))
    assert low <= float(difference) <= high
    # the difference is d and 0
    assert float(deviation.split()[1]) == pytest.approx(
        2**0.5 * float(difference), abs=2e-3
    )
    # one file against one has no deviation
    main([config, '--first', good, '--second', good, '--resamples', '5'])
    rows = table(capsys.readouterr().out)
    assert rows['segm_mAP'][2:] == ['+0.000', '+0.000 to +0.000', '-']


def test_all_images_are_needed(main, files):
    config, (good, _, part), _ = files
    with pytest.raises(SystemExit, match=r'part\.pkl .* same images'):
        main([config, '--first', good, '--second', part])
