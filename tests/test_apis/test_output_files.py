import json
import os
import shutil

import cv2
import numpy as np
import pytest

from oaformer.apis import InputError
from oaformer.apis.output_files import OutputNames


def write_video(path, frames, fps=10):
    fourcc = cv2.VideoWriter.fourcc(*('MJPG' if path.suffix == '.avi' else 'mp4v'))
    size = frames[0].shape[1], frames[0].shape[0]
    writer = cv2.VideoWriter(str(path), fourcc, fps, size)
    for frame in frames:
        writer.write(frame)
    writer.release()


def read_video(path):
    reader = cv2.VideoCapture(str(path))
    frames = []
    while (frame := reader.read()[1]) is not None:
        frames.append(frame)
    return frames, reader.get(cv2.CAP_PROP_FPS)


def test_one_name_for_each_input():
    names = OutputNames()
    assert names.name('a/1.jpg') == '1'
    assert names.name('b/1.jpg') == '1_1'
    assert names.name('a/1.png') == '1_2'
    assert names.name('a/1.jpg') == '1'
    assert names.name('https://example.org/v1.2.jpg?x=1') == 'v1.2'
    assert names.name('https://example.org/') == 'image'


def test_arrays_are_numbered():
    names = OutputNames()
    assert names.name('00000001.png') == '00000001'
    assert [names.name(None) for _ in range(2)] == ['00000000', '00000001_1']


def test_files(inferencer, images, tmp_path):
    other = tmp_path / 'other' / images[0].name
    other.parent.mkdir()
    cv2.imwrite(str(other), np.zeros((30, 40, 3), np.uint8))
    array = np.full((20, 30, 3), 200, np.uint8)
    out = tmp_path / 'out'
    results = inferencer(
        [images[0], other, array],
        return_vis=True,
        out_dir=out,
        pred_score_thr=0,
    )
    numbered = inferencer(array, out_dir=out)['predictions']
    stem = images[0].stem
    files = sorted(str(path.relative_to(out)) for path in out.rglob('*.*'))
    expected = [stem, f'{stem}_1', '00000000', '00000001']
    assert files == sorted(
        [f'preds/{name}.json' for name in expected]
        + [f'vis/{name}.png' for name in expected[:2]]
        + [f'vis/{name}.jpg' for name in expected[2:]]
    )
    for name, prediction in zip(
        expected, results['predictions'] + numbered, strict=True
    ):
        assert json.loads((out / 'preds' / f'{name}.json').read_text()) == prediction
    for name, drawing in zip(expected[:2], results['visualization'], strict=False):
        drawn = cv2.imread(str(out / 'vis' / f'{name}.png'))
        assert np.array_equal(drawn[..., ::-1], drawing)


def test_no_output_overwrites_an_input(inferencer, images, tmp_path, monkeypatch):
    """Refused before the model runs, with all inputs as they were."""
    (tmp_path / 'vis').mkdir()
    (tmp_path / 'preds').mkdir()
    first, second = tmp_path / 'vis/b.png', tmp_path / 'other.png'
    for file in (first, second, tmp_path / 'vis/v.avi', tmp_path / 'preds/b.json'):
        shutil.copy(images[0], file)
    (tmp_path / 'vis' / 'other.png').symlink_to(second)
    os.link(second, tmp_path / 'vis' / 'hard.png')
    before = {path: path.read_bytes() for path in tmp_path.rglob('*.*')}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inferencer, 'forward', None)
    cases = [
        'vis/b.png',  # drawn to itself
        'vis',
        'other.png',  # drawn to a link to it
        'vis/hard.png',
        'vis/v.avi',
        ['b.png', 'vis/b.png'],  # the drawing of another
        'preds/b.json',  # an image by its content, where the predictions go
        first,
    ]
    shutil.copy(images[0], 'b.png')
    for inputs in cases:
        with pytest.raises(InputError, match='would overwrite the input .*another'):
            inferencer(inputs, out_dir='.')
    assert {path: path.read_bytes() for path in before} == before
    (tmp_path / 'file').touch()
    with pytest.raises(OSError, match='file is not a folder'):
        inferencer('b.png', out_dir='file')


@pytest.mark.parametrize(
    'name',
    [
        'a b',
        '100%',
        '%d%s%20',
        'a\\b',
        'caf\u00e9',
        'e\u0301',
        '[red]x#?',
        '.b.',
        'c\n',
    ],
)
def test_any_name(inferencer, images, tmp_path, name):
    folder, out_dir = tmp_path / name, tmp_path / name / 'out'
    folder.mkdir()
    image = shutil.copy(images[0], folder / f'{name}.png')
    video = folder / f'{name}.mp4'
    write_video(video, [cv2.imread(str(image))] * 2)
    inferencer([image, video], out_dir=out_dir)
    files = [path for path in out_dir.rglob('*') if path.is_file()]
    assert {str(path.relative_to(out_dir)) for path in files} == {
        f'vis/{name}.png',
        f'vis/{name}_1.mp4',
        f'preds/{name}.json',
        f'preds/{name}_1/000000.json',
        f'preds/{name}_1/000001.json',
    }


def test_files_can_be_left_out(inferencer, images, tmp_path):
    (sample,) = inferencer(
        images[0], return_datasamples=True, out_dir=tmp_path / 'a', no_save_vis=True
    )['predictions']
    (saved,) = (tmp_path / 'a').rglob('*.*')
    assert saved == tmp_path / 'a' / 'preds' / f'{images[0].stem}.json'
    assert json.loads(saved.read_text())['masks'] == sample.pred_instances.masks
    results = inferencer(images[0], out_dir=tmp_path / 'b', no_save_pred=True)
    assert [path.name for path in (tmp_path / 'b').iterdir()] == ['vis']
    assert results['visualization'] == []


@pytest.mark.parametrize('suffix', ['.avi', '.mp4'])
def test_video(inferencer, images, tmp_path, suffix):
    path = tmp_path / f'clip{suffix}'
    write_video(path, [cv2.imread(str(image)) for image in images])
    frames, _ = read_video(path)
    assert len(frames) == 4

    results = inferencer(path, batch_size=3, return_vis=True, out_dir=tmp_path / 'out')
    predictions = results['predictions']
    assert [prediction['frame_id'] for prediction in predictions] == [0, 1, 2, 3]
    expected = inferencer(frames, batch_size=3)['predictions']
    for frame_id, (prediction, alone) in enumerate(
        zip(predictions, expected, strict=True)
    ):
        assert prediction['img_path'] == str(path)
        assert prediction['masks'] == alone['masks']
        saved = tmp_path / 'out' / 'preds' / 'clip' / f'{frame_id:06d}.json'
        assert json.loads(saved.read_text()) == prediction

    drawn, fps = read_video(tmp_path / 'out' / 'vis' / f'clip{suffix}')
    assert fps == 10
    for frame, drawing in zip(drawn, results['visualization'], strict=True):
        assert np.abs(frame[..., ::-1].astype(int) - drawing).mean() < 5


def test_video_twice_is_written_once(inferencer, images, tmp_path):
    path = tmp_path / 'clip.avi'
    write_video(path, [cv2.imread(str(images[0]))] * 2)
    results = inferencer([path, path], out_dir=tmp_path / 'out')
    assert len(results['predictions']) == 4
    assert len(read_video(tmp_path / 'out' / 'vis' / 'clip.avi')[0]) == 2
