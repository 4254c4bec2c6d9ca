import pytest
from mmengine.logging import MMLogger


@pytest.fixture
def log(monkeypatch):
    """Lines of MMEngine's current logger."""
    lines = []
    MMLogger.get_instance('test_evaluation')
    monkeypatch.setattr(
        MMLogger, 'handle', lambda self, record: lines.append(record.getMessage())
    )
    return lines
