import json
from types import SimpleNamespace

import pytest

from oaformer.engine import MainProcessLoggerHook


@pytest.mark.parametrize('rank', [0, 1])
def test_one_process_writes_the_results_of_a_test(tmp_path, monkeypatch, rank):
    monkeypatch.setattr('mmengine.dist.utils.get_rank', lambda group=None: rank)
    log = SimpleNamespace(
        get_log_after_epoch=lambda *args, **kwargs: ({'AP': 0.5, 'time': rank}, 'AP')
    )
    runner = SimpleNamespace(
        log_processor=log,
        test_dataloader=[],
        logger=SimpleNamespace(info=print),
        log_dir=tmp_path,
        timestamp='now',
    )
    hook = MainProcessLoggerHook()
    hook.json_log_path = 'now.json'
    hook.after_test_epoch(runner)
    written = [json.loads(path.read_text()) for path in tmp_path.iterdir()]
    assert written == ([] if rank else [{'AP': 0.5, 'time': 0}])
