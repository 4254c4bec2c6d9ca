import json

import pytest
from report_scene import CLASSES, annotations, predictions

from oaformer.evaluation import (
    compact_prediction,
    evaluate_amodal,
    load_ground_truth,
)
from oaformer.visualization import AmodalLocalVisualizer


@pytest.fixture(scope='session')
def ground_truth(tmp_path_factory):
    path = tmp_path_factory.mktemp('report') / 'annotations.json'
    path.write_text(json.dumps(annotations()))
    return load_ground_truth(str(path))


@pytest.fixture(scope='session')
def evaluate(ground_truth):
    def evaluate(with_rates=True, with_visible_masks=False, **kwargs):
        dumped = predictions(with_rates, with_visible_masks)
        results = [compact_prediction(item) for item in dumped]
        return evaluate_amodal(ground_truth, results, **kwargs)

    return evaluate


@pytest.fixture(scope='session')
def evaluation(evaluate):
    return evaluate()


@pytest.fixture(scope='session')
def visualizer():
    result = AmodalLocalVisualizer()
    result.dataset_meta = dict(classes=CLASSES)
    return result
