import importlib
import json

import numpy as np
import pytest
import torch

from oaformer.deployment import INPUT_NAMES, ExportableDetector

onnx = pytest.importorskip('onnx')
onnxruntime = pytest.importorskip('onnxruntime')
onnx_export = importlib.import_module('oaformer.deployment.onnx_export')
export_onnx = onnx_export.export_onnx

SIZE = (64, 96)
OUTPUTS = [
    'cls_scores',
    'mask_embeds',
    'mask_features',
    'occlusion_logits',
    'visible_mask_embeds',
]


@pytest.fixture(scope='module')
def dynamic(detector, tmp_path_factory):
    file = tmp_path_factory.mktemp('onnx') / 'model.onnx'
    export_onnx(detector, file, SIZE, None, dataset_meta=dict(classes=('a', 'b')))
    return file


def assert_equal_to_pytorch(detector, file, batch_size):
    inputs = onnx_export.example_inputs(batch_size, SIZE, seed=batch_size)
    with torch.no_grad():
        expected = ExportableDetector(detector)(*inputs)
    feed = {name: x.numpy() for name, x in zip(INPUT_NAMES, inputs, strict=True)}
    outputs = onnxruntime.InferenceSession(file).run(None, feed)
    assert len(outputs) == len(expected) == len(OUTPUTS)
    for output, tensor in zip(outputs, expected, strict=True):
        # a tenth of what is asked for, so that there is room for other machines
        np.testing.assert_allclose(output, tensor, rtol=0, atol=1e-4)


@pytest.mark.parametrize('batch_size', [1, 2, 3])
def test_dynamic_batch_equals_pytorch(detector, dynamic, batch_size):
    assert_equal_to_pytorch(detector, dynamic, batch_size)


@pytest.mark.slow
def test_fixed_batch_equals_pytorch(detector, tmp_path):
    file = tmp_path / 'model.onnx'
    export_onnx(detector, file, SIZE, batch_size=2, opset=16)
    assert_equal_to_pytorch(detector, file, 2)
    assert max(onnx_export.largest_differences(detector, file).values()) < 1e-4
    graph = onnx.load(file).graph
    assert [output.name for output in graph.output] == OUTPUTS
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_value == 2
    assert 'GridSample' in {node.op_type for node in graph.node}


def test_file_says_how_it_is_used(dynamic):
    metadata = {entry.key: entry.value for entry in onnx.load(dynamic).metadata_props}
    assert json.loads(metadata['dataset_meta']) == dict(classes=['a', 'b'])
    assert 'AmodalFusionHead' in metadata['config']


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(size=(64, 100)), 'multiples of 32'),
        (dict(size=(0, 64)), 'multiples of 32'),
        (dict(opset=15), 'at least 16'),
        (dict(batch_size=0), 'at least 1'),
    ],
)
def test_what_cannot_be(detector, tmp_path, options, message):
    arguments = dict(file=tmp_path / 'model.onnx', size=SIZE) | options
    with pytest.raises(ValueError, match=message):
        export_onnx(detector, **arguments)
    assert not (tmp_path / 'model.onnx').exists()
