"""The inferencer and the web page take two-stage systems as they take OAFormer."""

import json

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from roi_cases import SYSTEMS, find_something
from tiny_models import CONFIGS

from oaformer.apis import AmodalInferencer, ModelError
from oaformer.apis.web_prediction import instance_table, predict_file


@pytest.fixture(params=SYSTEMS)
def inferencer(request):
    cfg = Config.fromfile(CONFIGS / 'synth' / f'{request.param}_tiny_synth.py')
    find_something(cfg.model)
    return AmodalInferencer(cfg, device='cpu', show_progress=False)


def test_predictions_and_files(inferencer, tmp_path):
    path = tmp_path / 'scene.png'
    image = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    cv2.imwrite(str(path), image)
    result = inferencer(str(path), out_dir=str(tmp_path / 'out'), return_vis=True)
    (prediction,) = result['predictions']
    assert len(prediction['masks']) > 0
    assert all(mask['size'] == [90, 120] for mask in prediction['masks'])
    visible = 'visible' in inferencer.model.roi_head.mask_head.branches
    assert ('visible_masks' in prediction) == visible
    assert ('occlusion_rates' in prediction) == visible
    written = json.loads((tmp_path / 'out' / 'preds' / 'scene.json').read_text())
    assert written == prediction
    assert result['visualization'][0].dtype == np.uint8
    # the page's list
    shown = predict_file(inferencer, str(path))
    headers, rows = instance_table(shown, 0.0)
    assert ('occlusion rate (derived)' in headers) == visible
    assert len(rows) == len(prediction['masks'])


def test_they_complete_nothing(inferencer):
    assert not inferencer.can_complete
    with pytest.raises(ModelError, match='completes no given objects'):
        inferencer.complete(np.zeros((9, 9, 3), np.uint8), boxes=[[0, 0, 5, 5]])
