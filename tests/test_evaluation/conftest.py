import json

import pytest
from mmengine.logging import MMLogger

from oaformer.datasets.converters import convert_cocoa
from oaformer.evaluation import coco_eval


@pytest.fixture(params=coco_eval.ENGINES)
def engine(request, monkeypatch):
    monkeypatch.setattr(coco_eval, 'BEST_ENGINE', request.param)


@pytest.fixture
def log(monkeypatch):
    """Lines of MMEngine's current logger."""
    lines = []
    MMLogger.get_instance('test_evaluation')
    monkeypatch.setattr(
        MMLogger, 'handle', lambda self, record: lines.append(record.getMessage())
    )
    return lines


@pytest.fixture(params=['d2sa', 'cocoa'])
def sample_file(request, sample_data, tmp_path):
    """Annotations of three images of D2SA, and of five of COCOA with stuff."""
    folder = sample_data / f'{request.param}_sample' / 'annotations'
    if request.param == 'd2sa':
        return folder / 'D2S_amodal_validation.json'
    content = json.loads((folder / 'COCO_amodal_val2014.json').read_text())
    path = tmp_path / 'cocoa.json'
    path.write_text(
        json.dumps(convert_cocoa(content, 'cocoa', keep_stuff=True).content)
    )
    return path
