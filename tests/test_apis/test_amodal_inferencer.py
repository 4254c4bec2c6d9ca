import functools
import http.server
import logging
import threading

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.dataset import pseudo_collate
from tiny_checkpoint import CLASSES, NUM_INSTANCES, tiny_config, write_tiny_checkpoint

from oaformer.apis import AmodalInferencer, Image, InputError, ModelError
from oaformer.structures import decode_masks


@pytest.fixture
def warnings(monkeypatch):
    """Lines of the log."""
    lines = []
    for module in ('inputs', 'loading'):
        monkeypatch.setattr(
            f'oaformer.apis.{module}.print_log',
            lambda text, logger=None, level=logging.INFO: lines.append(text),
        )
    return lines


def test_predicts_what_testing_does(inferencer, synth, images):
    """The same instances as through the data set with its annotations."""
    dataset = DATASETS.build(
        dict(
            tiny_config().test_dataloader.dataset,
            data_root=str(synth),
            ann_file='annotations/val.json',
            data_prefix=dict(img='images'),
            test_mode=True,
        )
    )
    with torch.no_grad():
        tested = [
            inferencer.model.test_step(pseudo_collate([item]))[0] for item in dataset
        ]
    predictions = inferencer(str(synth / 'images'))['predictions']
    assert len(predictions) == len(tested) == 4
    by_path = {sample.img_path: sample.pred_instances for sample in tested}
    for prediction in predictions:
        expected = by_path[prediction['img_path']]
        assert prediction['masks'] == expected.masks
        assert prediction['scores'] == expected.scores.tolist()
        assert prediction['occlusion_rates'] == expected.occlusion_rates.tolist()
        assert prediction['bboxes'] == expected.bboxes.tolist()
        assert (prediction['height'], prediction['width']) == (96, 96)
        assert 'visible_masks' not in prediction
        assert 'invisible_masks' not in prediction


def test_every_way_in_gives_the_same(inferencer, images):
    path = images[0]
    (expected,) = inferencer(path)['predictions']
    assert expected['label_names'] == [CLASSES[label] for label in expected['labels']]
    image = cv2.imread(str(path))
    (from_array,) = inferencer(image)['predictions']
    assert from_array == {**expected, 'img_path': None}
    assert inferencer([str(path), image])['predictions'] == [expected, from_array]


def test_web_address(inferencer, synth, images):
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(synth / 'images')
    )
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f'http://127.0.0.1:{server.server_port}/'
        (fetched,) = inferencer(address + images[0].name)['predictions']
        with pytest.raises(InputError, match=r'absent\.png could not be read .*404'):
            inferencer(address + 'absent.png')
        server.shutdown()
    (expected,) = inferencer(images[0])['predictions']
    assert fetched == {**expected, 'img_path': address + images[0].name}


def test_batches_of_different_sizes(inferencer):
    rng = np.random.default_rng(0)
    sizes = [(40, 70), (96, 50), (64, 64), (120, 130), (33, 90)]
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
    predictions = inferencer(images, batch_size=2)['predictions']
    for prediction, (height, width) in zip(predictions, sizes, strict=True):
        assert (prediction['height'], prediction['width']) == (height, width)
        assert all(mask['size'] == [height, width] for mask in prediction['masks'])
        boxes = np.array(prediction['bboxes'])
        assert (boxes[:, 2] <= width).all() and (boxes[:, 3] <= height).all()


def test_batches_do_not_change_images_of_one_size(inferencer, images):
    single = inferencer(list(images))['predictions']
    batched = inferencer(list(images), batch_size=3)['predictions']
    for one, other in zip(single, batched, strict=True):
        assert other['img_path'] == one['img_path']
        assert other['scores'] == pytest.approx(one['scores'], abs=1e-5)
        masks, others = decode_masks(one['masks']), decode_masks(other['masks'])
        assert (masks != others).mean() < 1e-3


def test_folder_goes_on_without_what_cannot_be_read(inferencer, tmp_path, warnings):
    image = np.full((40, 50, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    (tmp_path / 'b.jpg').write_text('no image')
    cv2.imwrite(str(tmp_path / 'C.JPG'), image)
    (tmp_path / 'd.png').write_bytes(b'')
    (tmp_path / 'notes.txt').write_text('other')
    results = inferencer(tmp_path, batch_size=3, out_dir=tmp_path / 'out')
    found = [prediction['img_path'] for prediction in results['predictions']]
    assert found == [str(tmp_path / 'C.JPG'), str(tmp_path / 'a.png')]
    skipped = [entry['img_path'] for entry in results['skipped']]
    assert skipped == [str(tmp_path / 'b.jpg'), str(tmp_path / 'd.png')]
    assert 'b.jpg could not be read as an image' in results['skipped'][0]['reason']
    assert warnings[-1] == (
        f'2 of 4 images in {tmp_path} could not be read and were skipped: '
        f'{tmp_path}/b.jpg, {tmp_path}/d.png'
    )
    assert 'notes.txt' in warnings[0]
    written = sorted(path.name for path in (tmp_path / 'out' / 'preds').iterdir())
    assert written == ['C.json', 'a.json']


@pytest.mark.parametrize(
    ('names', 'inputs', 'error', 'message'),
    [
        ([], '', InputError, 'has no images: none of its 0 files'),
        (['notes.txt'], '', InputError, 'has no images: none of its 1 files'),
        (['a.png', 'b.png'], '', InputError, 'none of the 2 images'),
        (['a.png'], 'a.png', InputError, r'a\.png could not be read as an image'),
        (['a.mp4'], 'a.mp4', InputError, r'a\.mp4 could not be read as a video'),
        ([], 'gone.png', FileNotFoundError, r'Image not found: .*gone\.png'),
        ([], 'gone.mp4', FileNotFoundError, r'Video not found: .*gone\.mp4'),
    ],
)
def test_what_cannot_be_read(
    inferencer, tmp_path, warnings, names, inputs, error, message
):
    for name in names:
        (tmp_path / name).write_text('no image')
    with pytest.raises(error, match=message):
        inferencer(tmp_path / inputs)


def test_named_input_that_cannot_be_read_ends_the_run(inferencer, tmp_path, images):
    with pytest.raises(FileNotFoundError, match=r'gone\.png'):
        inferencer([images[0], tmp_path / 'gone.png'])
    with pytest.raises(InputError, match='batch_size must be at least 1'):
        inferencer(images[0], batch_size=0)


def test_threshold_is_for_drawings_only(inferencer, images):
    image = cv2.imread(str(images[0]))
    low, high = (
        inferencer(image, return_vis=True, return_datasamples=True, pred_score_thr=thr)
        for thr in (0.0, 1.0)
    )
    (sample,), (other,) = low['predictions'], high['predictions']
    assert len(sample.pred_instances) == len(other.pred_instances) == NUM_INSTANCES
    assert not np.array_equal(low['visualization'][0], high['visualization'][0])
    redrawn = inferencer.draw(image, sample, pred_score_thr=1.0)
    assert np.array_equal(redrawn, high['visualization'][0])


def test_result_is_printed(inferencer, images, capsys):
    results = inferencer(images[0], print_result=True, pred_score_thr=0)
    lines = capsys.readouterr().out.splitlines()
    (prediction,) = results['predictions']
    found = f'{images[0]}: {NUM_INSTANCES} instances with a score of 0 or more'
    assert lines[0] == found
    assert lines[1].startswith(f'  {prediction["label_names"][0]}  ')
    assert f'occlusion rate {prediction["occlusion_rates"][0]:.3f}' in lines[1]
    assert len(lines) == 1 + NUM_INSTANCES


def test_stream_reads_no_more_than_a_batch(inferencer, tmp_path, warnings):
    for name in ('a.png', 'b.png'):
        cv2.imwrite(str(tmp_path / name), np.zeros((40, 50, 3), np.uint8))
    (tmp_path / 'c.png').write_text('no image')
    skipped = []
    stream = inferencer.stream(tmp_path, batch_size=2, skipped=skipped)
    assert next(stream).prediction['img_path'].endswith('a.png')
    assert skipped == []
    assert len(list(stream)) == 1
    assert [entry['img_path'] for entry in skipped] == [str(tmp_path / 'c.png')]


def test_config_inside_the_weights(inferencer, checkpoint, images):
    config, weights = checkpoint
    expected = inferencer(images[0])['predictions']
    for arguments in (
        dict(weights=weights),
        dict(model=str(weights)),
        dict(model=inferencer.cfg, weights=str(weights)),
    ):
        other = AmodalInferencer(**arguments, device='cpu', show_progress=False)
        assert other.classes == CLASSES
        assert other(images[0])['predictions'] == expected


def test_steps_of_mmengine(inferencer, images):
    """What the inferencer does in one go, by the methods that MMEngine names."""
    inputs = [Image(cv2.imread(str(path)), str(path)) for path in images[:2]]
    ((batch, data),) = inferencer.preprocess(iter(inputs), batch_size=2)
    samples = inferencer.forward(data)
    drawings = inferencer.visualize(batch, samples, pred_score_thr=0)
    results = inferencer.postprocess(samples, drawings)
    expected = inferencer(images[:2], batch_size=2, return_vis=True, pred_score_thr=0)
    assert results['predictions'] == expected['predictions']
    for drawing, other in zip(
        results['visualization'], expected['visualization'], strict=True
    ):
        assert np.array_equal(drawing, other)


def test_nothing_is_downloaded(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError('a download')

    monkeypatch.setattr('torch.hub.download_url_to_file', refuse)
    init_cfg = dict(
        _delete_=True, type='Pretrained', checkpoint='https://example.org/r18.pth'
    )
    config, weights = write_tiny_checkpoint(tmp_path, backbone=dict(init_cfg=init_cfg))
    assert AmodalInferencer(config, weights, device='cpu').classes == CLASSES


def test_untrained_model_says_so(checkpoint, warnings):
    inferencer = AmodalInferencer(checkpoint[0], device='cpu')
    assert 'untrained' in warnings[0]
    assert inferencer.classes == ()


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ((), ModelError, 'name a config, weights or both'),
        (('oaformer_r50_nothing',), FileNotFoundError, 'oaformer_tiny_synth'),
        (('a.pth', 'b.pth'), ModelError, 'both weights'),
        (('{config}', 'a.onnx'), ModelError, 'has its config inside'),
        (('{config}', 'gone.pth'), FileNotFoundError, 'no checkpoint gone.pth'),
        (('{config}', '{config}'), ModelError, 'could not be read|not loaded'),
        (('{config}', None, 'cuda'), ModelError, 'torch finds no GPU'),
        (('{config}', None, 'gpu'), ModelError, "device 'gpu' not found"),
    ],
)
def test_models_that_cannot_be_made(checkpoint, monkeypatch, arguments, error, message):
    monkeypatch.setattr('torch.cuda.is_available', lambda: False)
    arguments = [
        str(checkpoint[0]) if argument == '{config}' else argument
        for argument in arguments
    ]
    with pytest.raises(error, match=message):
        AmodalInferencer(*arguments)
