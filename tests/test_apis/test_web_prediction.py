import json
from pathlib import Path

import cv2
import known_scene
import pytest
from PIL import Image

from oaformer.apis import InputError, web_prediction
from oaformer.apis.web_prediction import (
    VIEWS,
    instance_table,
    paragraph,
    predict_file,
    sample_for_view,
)
from oaformer.structures import rle_area


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'scene.png'
    cv2.imwrite(str(path), known_scene.scene_image())
    return str(path)


@pytest.fixture
def predict(file):
    return lambda *parts: predict_file(known_scene.KnownInferencer(parts), file)


def test_prediction_names_the_file_without_its_folder(predict):
    prediction = predict('occlusion_rates')
    assert (prediction.image == known_scene.scene_image()).all()
    content = json.loads(json.dumps(prediction.content))
    assert content['img_path'] == 'scene.png'
    assert content['label_names'] == ['cup', 'box', '<i>plate</i>']


def test_table_lists_what_reaches_the_threshold(predict):
    prediction = predict('occlusion_rates', 'visible_masks')
    headers, rows = instance_table(prediction, 0.5)
    assert headers == ['color', 'class', 'score', 'occlusion rate', 'order']
    # The cup hides a part of the box.
    assert [row[1:] for row in rows] == [
        ['cup', '0.90', '0.00', 0],
        ['box', '0.80', '0.32', 1],
    ]
    assert len({row[0] for row in rows}) == 2
    assert len(instance_table(prediction, 0.0)[1]) == 3
    assert instance_table(prediction, 0.95)[1] == []


@pytest.mark.parametrize(
    ('parts', 'columns'),
    [
        ((), []),
        (('occlusion_rates',), ['occlusion rate', 'order']),
        (('visible_masks',), ['occlusion rate (derived)', 'order']),
    ],
)
def test_what_the_model_does_not_predict_has_no_column(predict, parts, columns):
    prediction = predict(*parts)
    headers, rows = instance_table(prediction, 0.0)
    assert headers == ['color', 'class', 'score', *columns]
    assert {len(row) for row in rows} == {len(headers)}


@pytest.mark.parametrize(
    ('view', 'areas', 'has_fill'),
    [
        ('amodal and visible', [10000, 10000, 6400], True),
        ('amodal', [10000, 10000, 6400], False),
        ('visible', [10000, 6800, 6400], False),
        ('invisible', [0, 3200, 0], False),
    ],
)
def test_views_draw_their_masks(predict, view, areas, has_fill):
    prediction = predict('occlusion_rates', 'visible_masks')
    shown = sample_for_view(prediction, view).pred_instances
    assert [rle_area(mask) for mask in shown.masks] == areas
    assert ('visible_masks' in shown) == has_fill
    assert shown.scores.tolist() == pytest.approx(known_scene.SCORES)


def test_first_view_does_without_visible_masks(predict):
    sample = sample_for_view(predict('occlusion_rates'), next(iter(VIEWS)))
    assert 'visible_masks' not in sample.pred_instances


@pytest.mark.parametrize('length', [0, 8, 60])
def test_damaged_image_is_named_without_its_folder(file, length):
    """Without a header, and with no more than that."""
    path = Path(file)
    path.write_bytes(path.read_bytes()[:length] + bytes(length // 3))
    message = 'could not be read' if length == 60 else 'is not an image'
    with pytest.raises(InputError, match=f'^scene.png {message}') as caught:
        predict_file(known_scene.KnownInferencer(), file)
    assert str(path.parent) not in str(caught.value)


def test_too_many_pixels_are_refused_before_they_are_read(file, monkeypatch):
    inferencer = known_scene.KnownInferencer()
    monkeypatch.setattr(web_prediction, 'MAX_MEGAPIXELS', 0.06)
    with pytest.raises(InputError, match='scene.png has more than 0.06 megapixels'):
        predict_file(inferencer, file)
    monkeypatch.undo()
    # Pillow stops at twice this.
    monkeypatch.setattr(Image, 'MAX_IMAGE_PIXELS', 1000)
    with pytest.raises(InputError, match='scene.png has more than 50 megapixels'):
        predict_file(inferencer, file)
    assert inferencer.model.calls == 0


def test_names_of_files_are_no_markup():
    assert paragraph('<b>.png') == '<p class="message">&lt;b&gt;.png</p>'
