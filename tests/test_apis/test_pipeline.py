import numpy as np
import pytest
from mmcv.transforms import LoadImageFromFile
from mmdet.datasets.transforms import LoadAnnotations
from mmengine.config import Config, ConfigDict
from tiny_checkpoint import tiny_config

from oaformer.apis import ModelError
from oaformer.apis.loading import inference_pipeline


def test_annotations_are_not_asked_for():
    cfg = tiny_config()
    before = cfg.to_dict()
    _, pipeline = inference_pipeline(cfg)
    packed = pipeline(dict(img=np.zeros((40, 50, 3), np.uint8)))
    assert packed['inputs'].shape == (3, 64, 80)
    assert packed['data_samples'].ori_shape == (40, 50)
    assert cfg.to_dict() == before


@pytest.mark.parametrize('name', ['oaformer_r50_d2sa', 'synth/oaformer_tiny_synth'])
def test_own_configs(repo_root, name):
    cfg = Config.fromfile(repo_root / 'configs' / f'{name}.py')
    _, pipeline = inference_pipeline(cfg)
    assert not any('Annot' in type(step).__name__ for step in pipeline.transforms)


def test_reading_has_the_config_s_settings():
    steps = [
        dict(type=LoadImageFromFile, to_float32=True, imdecode_backend='pillow'),
        dict(type=LoadAnnotations),
        dict(type='PackDetInputs'),
    ]
    cfg = ConfigDict(test_dataloader=dict(dataset=dict(pipeline=steps)))
    loader, pipeline = inference_pipeline(cfg)
    assert loader.imdecode_backend == 'pillow'
    assert len(pipeline.transforms) == 2
    assert pipeline(dict(img=np.zeros((4, 5, 3), np.uint8)))[
        'inputs'
    ].is_floating_point()


def test_config_without_reading():
    cfg = tiny_config()
    del cfg.test_dataloader.dataset.pipeline[0]
    for without in (cfg, ConfigDict()):
        with pytest.raises(ModelError, match='begins with LoadImageFromFile'):
            inference_pipeline(without)
