import json
import pickle
import runpy

import pytest
from mmengine.evaluator import Evaluator
from report_scene import predictions, write_run

from oaformer.evaluation import AmodalCocoMetric, DumpAmodalResults


@pytest.fixture
def main(repo_root):
    tool = repo_root / 'tools' / 'analysis_tools' / 'eval_metric.py'
    return runpy.run_path(str(tool))['main']


def test_offline_equals_online(tmp_path, main, capsys):
    # neither images nor their folder exist
    write_run(tmp_path)
    config, path = str(tmp_path / 'config.py'), str(tmp_path / 'predictions.pkl')
    metric = AmodalCocoMetric(str(tmp_path / 'val.json'))
    online = Evaluator([metric, DumpAmodalResults(path)])
    samples = predictions(with_visible_masks=True)
    for sample in samples:
        online.process([sample])
    expected = online.evaluate(len(samples))
    # one of every group
    for name in (
        'segm_mAP',
        'visible_segm_mAP_50',
        'invisible_segm_mAP_50',
        'bbox_mAP',
        'segm_mAP_occlusion_25_by_rate',
        'mIoU_predicted_invisible',
        'occlusion_rate_mae',
    ):
        assert 0 < expected[f'amodal/{name}'] <= 1, name

    out = tmp_path / 'new' / 'metrics.json'
    capsys.readouterr()
    main([config, path, '--out', str(out)])
    assert json.loads(out.read_text()) == expected
    assert '"amodal/segm_mAP": ' in capsys.readouterr().out

    # with other settings
    options = ['test_evaluator.prefix=mine', 'test_evaluator.min_invisible_area=1e6']
    main([config, path, '--out', str(out), '--cfg-options', *options])
    other = json.loads(out.read_text())
    assert other['mine/segm_mAP'] == expected['amodal/segm_mAP']
    assert 'mine/invisible_segm_mAP' not in other


def test_errors_are_for_people(tmp_path, main):
    write_run(tmp_path)
    config, path = str(tmp_path / 'config.py'), tmp_path / 'predictions.pkl'
    with pytest.raises(SystemExit, match=r'absent\.py'):
        main([str(tmp_path / 'absent.py'), str(path)])
    with pytest.raises(SystemExit, match=r'config\.py could not be read'):
        main([config, config])
    path.write_bytes(pickle.dumps([predictions()[0] | dict(img_id=99)]))
    with pytest.raises(SystemExit, match='image 99 was predicted but is not in'):
        main([config, str(path)])
