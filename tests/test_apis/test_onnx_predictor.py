import importlib

import cv2
import numpy as np
import pytest
from tiny_checkpoint import CLASSES

from oaformer.apis import AmodalInferencer, ModelError

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')
export_onnx = importlib.import_module('oaformer.deployment.onnx_export').export_onnx

# What the checkpoint's pipeline and preprocessor make of a square image.
SIZE = (64, 64)


@pytest.fixture(scope='module', params=[None, 3], ids=['dynamic', 'batch-3'])
def exported(request, inferencer, tmp_path_factory):
    file = tmp_path_factory.mktemp('onnx') / 'model.onnx'
    model = inferencer.model
    export_onnx(model, file, SIZE, request.param, dataset_meta=model.dataset_meta)
    return AmodalInferencer(file, device='cpu', show_progress=False)


@pytest.mark.parametrize('batch_size', [1, 4])
def test_same_instances_as_pytorch(exported, inferencer, images, batch_size):
    expected = inferencer(images)['predictions']
    found = exported(images, batch_size=batch_size)['predictions']
    assert exported.classes == CLASSES
    for result, other in zip(found, expected, strict=True):
        for key in ('labels', 'label_names', 'masks', 'bboxes', 'img_path', 'height'):
            assert result[key] == other[key], key
        for key in ('scores', 'occlusion_rates'):
            np.testing.assert_allclose(result[key], other[key], atol=1e-5)


def test_images_of_any_size(exported, images):
    square = cv2.imread(str(images[0]))
    resized = [square[:40], square[:, :30], cv2.resize(square, (20, 200)), square]
    found = exported(resized, batch_size=4)['predictions']
    for image, result in zip(resized, found, strict=True):
        assert (result['height'], result['width']) == image.shape[:2]
        assert all(mask['size'] == list(image.shape[:2]) for mask in result['masks'])
    alone = [exported(image)['predictions'][0] for image in resized]
    assert [result['masks'] for result in found] == [one['masks'] for one in alone]


def test_image_in_a_larger_plane_is_padded_as_in_pytorch(inferencer, tmp_path):
    """A wide file and a portrait image, whose size is then a third."""
    file = tmp_path / 'model.onnx'
    export_onnx(inferencer.model, file, (32, 96))
    predictor = AmodalInferencer(file, device='cpu', show_progress=False)
    image = np.zeros((96, 48, 3), dtype=np.uint8)
    sample = predictor(image, return_datasamples=True)['predictions'][0]
    assert sample.batch_input_shape == (32, 96)
    assert sample.img_shape == (32, 16)
    assert sample.ori_shape == (96, 48)
    assert sample.scale_factor == (1 / 3, 1 / 3)


def write_identity(file, **metadata):
    """A model that was not exported by the tool."""
    names = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1])
        for name in 'xy'
    ]
    node = onnx.helper.make_node('Identity', ['x'], ['y'])
    graph = onnx.helper.make_graph([node], 'foreign', names[:1], names[1:])
    opset = onnx.helper.make_opsetid('', 17)
    model = onnx.helper.make_model(graph, opset_imports=[opset], ir_version=8)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, file)


@pytest.mark.parametrize(
    'metadata, message',
    [
        (dict(), 'only files written by'),
        (dict(config='import os', dataset_meta='{}'), 'only plain values'),
        (dict(config='model = dict()', dataset_meta='{}'), 'no valid config'),
    ],
    ids=['foreign', 'code', 'incomplete'],
)
def test_files_of_another_origin(tmp_path, metadata, message):
    file = tmp_path / 'model.onnx'
    write_identity(file, **metadata)
    with pytest.raises(ModelError, match=message):
        AmodalInferencer(file, device='cpu')


def test_unreadable_and_missing_files(tmp_path):
    file = tmp_path / 'model.onnx'
    with pytest.raises(FileNotFoundError, match=r'model\.onnx not found'):
        AmodalInferencer(file, device='cpu')
    file.write_bytes(b'no model')
    with pytest.raises(ModelError, match='could not read .*model.onnx'):
        AmodalInferencer(file, device='cpu')
