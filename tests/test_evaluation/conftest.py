import pytest
from mmengine.logging import MMLogger

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
