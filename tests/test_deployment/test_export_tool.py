import importlib.util

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.config import Config
from tiny_checkpoint import CLASSES, write_tiny_checkpoint

from oaformer.apis import AmodalInferencer

pytest.importorskip('onnxruntime')
pytest.importorskip('onnx')


@pytest.fixture
def tool(repo_root):
    """The tool's main function."""
    path = repo_root / 'tools' / 'deployment' / 'export_onnx.py'
    spec = importlib.util.spec_from_file_location('export_onnx', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda *args: module.main([str(arg) for arg in args])


@pytest.mark.slow
def test_export(tool, tmp_path, capsys):
    files = write_tiny_checkpoint(tmp_path)
    file = tmp_path / 'model.onnx'
    tool(*files, '--out', file)
    printed = capsys.readouterr().out
    assert f'{file}: ' in printed
    assert '  cls_scores: ' in printed
    predictor = AmodalInferencer(file, device='cpu', show_progress=False)
    assert predictor.classes == CLASSES
    # the resize of the config is to 96 x 64
    assert (predictor.model.size, predictor.model.batch_size) == ((64, 96), 1)


def test_faults_are_named(tool, tmp_path):
    config, weights = write_tiny_checkpoint(tmp_path)
    with pytest.raises(SystemExit, match='multiples of 32'):
        tool(config, weights, '--out', tmp_path / 'model.onnx', '--size', '64', '65')
    for file in (config, weights):
        before = file.read_bytes()
        with pytest.raises(SystemExit, match='would overwrite the input'):
            tool(config, weights, '--out', file)
        assert file.read_bytes() == before
    with pytest.raises(SystemExit, match='is a folder: name a file'):
        tool(config, weights, '--out', tmp_path)
    with pytest.raises(SystemExit, match='There is no checkpoint'):
        tool(config, tmp_path / 'absent.pth')


@pytest.mark.parametrize(
    ('system', 'name'), [('mask-rcnn', 'MaskRCNN'), ('bcnet-fcos', 'FCOSMask')]
)
def test_two_stage_detectors_are_refused(tool, repo_root, tmp_path, system, name):
    config = next((repo_root / 'configs').rglob(f'{system}_tiny_synth.py'))
    model = MODELS.build(Config.fromfile(config).model)
    weights = tmp_path / 'weights.pth'
    torch.save(dict(state_dict=model.state_dict()), weights)
    with pytest.raises(SystemExit, match=f'^{name} cannot be exported') as caught:
        tool(config, weights, '--out', tmp_path / 'model.onnx', '--size', '64', '64')
    assert '\n' not in str(caught.value)
