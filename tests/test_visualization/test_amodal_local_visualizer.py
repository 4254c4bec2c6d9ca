import json

import cv2
import mmcv
import numpy as np
import pytest
import torch
from mmdet.engine.hooks import DetVisualizationHook
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from oaformer.structures import AmodalMasks, encode_masks, to_rle
from oaformer.visualization import AmodalLocalVisualizer, drawing
from oaformer.visualization.amodal_local_visualizer import MIN_DRAWN_SIDE

HEIGHT, WIDTH = 500, 640


def two_boxes(height=HEIGHT, width=WIDTH):
    """Two amodal masks and visible ones: the first hides a part of the second."""
    amodal = np.zeros((2, height, width), np.uint8)
    amodal[0, 100:200, 100:200] = 1
    amodal[1, 100:200, 150:350] = 1
    visible = amodal.copy()
    visible[1] &= 1 - amodal[0]
    return amodal, visible


def ground_truth(height=HEIGHT, width=WIDTH):
    amodal, visible = two_boxes(height, width)
    return InstanceData(
        labels=torch.tensor([0, 1]),
        bboxes=torch.zeros(2, 4),
        masks=AmodalMasks(amodal, height, width, visible, np.array([0, 0.25])),
    )


def prediction():
    return InstanceData(
        labels=torch.tensor([0, 1]),
        bboxes=torch.zeros(2, 4),
        scores=torch.tensor([0.9, 0.1]),
        masks=encode_masks(two_boxes()[0]),
        occlusion_rates=torch.tensor([0.0, 0.3]),
    )


@pytest.fixture
def visualizer():
    result = AmodalLocalVisualizer()
    result.dataset_meta = dict(classes=('cup', 'plate'))
    return result


@pytest.fixture
def draw(visualizer, tmp_path):
    def draw(data_sample, image=None, **kwargs):
        path = str(tmp_path / 'drawing.png')
        if image is None:
            image = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
        before = image.copy()
        visualizer.add_datasample('x', image, data_sample, out_file=path, **kwargs)
        np.testing.assert_array_equal(image, before)
        return mmcv.imread(path, channel_order='rgb')

    return draw


def header_height(drawn, height=HEIGHT):
    return drawn.shape[0] - height


def test_ground_truth_left_prediction_right(draw):
    sample = DetDataSample(gt_instances=ground_truth(), pred_instances=prediction())
    drawn = draw(sample)
    assert drawn.shape[1] == 2 * WIDTH + 4
    left, right = drawn[:, :WIDTH], drawn[:, WIDTH + 4 :]
    # The second prediction scores below the threshold.
    top = header_height(drawn)
    assert (left[top + 150, 300] != 100).any()
    assert (right[top + 150, 300] == 100).all()
    assert draw(sample, draw_gt=False).shape[1] == WIDTH
    assert draw(sample, draw_pred=False).shape[1] == WIDTH


def test_hidden_part_is_not_filled(draw):
    drawn = draw(DetDataSample(gt_instances=ground_truth()))
    panel = drawn[header_height(drawn) :].astype(int)
    first, hidden, second = panel[150, 130], panel[150, 180], panel[150, 300]
    # What the first box covers has the color of the first box alone.
    np.testing.assert_array_equal(first, hidden)
    assert abs(first - second).max() > 30
    assert (panel[400, 400] == 100).all()


def test_a_prediction_has_the_color_of_its_object(draw):
    """Predicted in the other order, each box still has the hue of its ground truth."""
    predicted = prediction()
    predicted.scores = torch.tensor([0.8, 0.9])
    sample = DetDataSample(gt_instances=ground_truth(), pred_instances=predicted)
    drawn = draw(sample).astype(int)
    top = header_height(drawn)
    for column in (130, 300):
        left, right = drawn[top + 150, column], drawn[top + 150, WIDTH + 4 + column]
        # fill of half the strength over the same grey
        np.testing.assert_allclose(2 * (right - 100), left - 100, atol=2)


def test_predicted_visible_masks_are_filled(draw):
    instances = prediction()
    _, visible = two_boxes()
    plain = draw(DetDataSample(pred_instances=instances), pred_score_thr=0)
    instances.visible_masks = encode_masks(visible)
    drawn = draw(DetDataSample(pred_instances=instances), pred_score_thr=0)
    top = header_height(drawn)
    light, full = plain[top + 150, 300].astype(int), drawn[top + 150, 300].astype(int)
    assert abs(full - 100).max() > abs(light - 100).max() > 0


def test_label_without_class_names_and_rates(visualizer):
    instances = prediction()
    del instances.occlusion_rates
    visualizer.dataset_meta = {}
    assert visualizer._label(instances, 0) == 'class 0 0.90'


def test_labels_and_titles_are_drawn(draw, monkeypatch):
    """The rate of the second box: annotated 25 %, by the masks a quarter as well."""
    texts = []
    put_text = drawing.put_text
    monkeypatch.setattr(
        drawing, 'put_text', lambda *args: texts.append(args[1]) or put_text(*args)
    )
    instances = prediction()
    del instances.occlusion_rates
    instances.visible_masks = torch.from_numpy(two_boxes()[1]).bool()
    sample = DetDataSample(gt_instances=ground_truth(), pred_instances=instances)
    draw(sample, pred_score_thr=0)
    assert texts == [
        *('plate | occ 25%', 'cup | occ 0%', 'ground truth (2)'),
        *('plate 0.10 | occ 25%', 'cup 0.90 | occ 0%'),
        'prediction (2), occ derived from masks',
    ]


@pytest.mark.parametrize('size', [(128, 128), (97, 333)])
def test_small_images_are_enlarged(draw, size):
    mask = np.zeros((1, *size), np.uint8)
    mask[0, 20:60, 30:80] = 1
    instances = InstanceData(
        labels=torch.tensor([0]), masks=AmodalMasks(mask, *size), bboxes=torch.zeros(1)
    )
    image = np.full((*size, 3), 100, np.uint8)
    drawn = draw(DetDataSample(gt_instances=instances), image)
    factor = drawn.shape[1] // size[1]
    assert drawn.shape[1] == factor * size[1]
    assert min(size) * factor >= MIN_DRAWN_SIDE
    panel = drawn[header_height(drawn, factor * size[0]) :]
    assert (panel[40 * factor, 60 * factor] != 100).any()
    assert (panel[90 * factor, 90 * factor] == 100).all()


def test_no_instances_and_no_sample(draw):
    empty = prediction()[:0]
    drawn = draw(DetDataSample(pred_instances=empty))
    assert (drawn[header_height(drawn) :] == 100).all()
    assert draw(None).shape == (HEIGHT, WIDTH, 3)
    assert draw(DetDataSample()).shape == (HEIGHT, WIDTH, 3)
    # A test pipeline that loads no annotations leaves gt_instances without fields.
    sample = DetDataSample(gt_instances=InstanceData(), pred_instances=prediction())
    assert draw(sample).shape[1] == WIDTH


def test_empty_masks(draw):
    instances = prediction()
    instances.masks = encode_masks(np.zeros((2, HEIGHT, WIDTH), np.uint8))
    drawn = draw(DetDataSample(pred_instances=instances), pred_score_thr=0)
    assert (drawn[header_height(drawn) :] == 100).all()


def test_masks_of_another_size_are_an_error(draw):
    sample = DetDataSample(gt_instances=ground_truth(400, 480))
    with pytest.raises(ValueError, match='400 rows.*after Resize'):
        draw(sample)


def test_through_the_visualization_hook(tmp_path):
    path = str(tmp_path / 'image.png')
    cv2.imwrite(path, np.full((HEIGHT, WIDTH, 3), 100, np.uint8))
    AmodalLocalVisualizer.get_instance('hook_test')
    hook = DetVisualizationHook(draw=True, test_out_dir='drawings')
    sample = DetDataSample(gt_instances=ground_truth(), pred_instances=prediction())
    sample.set_metainfo(dict(img_path=path))

    class Runner:
        work_dir, timestamp, iter = str(tmp_path), 'now', 0

    hook.after_test_iter(Runner, 0, {}, [sample])
    drawn = mmcv.imread(str(tmp_path / 'now' / 'drawings' / 'image.png'))
    assert drawn.shape[1] == 2 * WIDTH + 4


def test_real_images(draw, visualizer, sample_data):
    folder = sample_data / 'd2sa_sample'
    file = folder / 'annotations' / 'D2S_amodal_validation.json'
    content = json.loads(file.read_text())
    names = tuple(category['name'] for category in content['categories'])
    visualizer.dataset_meta = dict(classes=names)
    image = content['images'][0]
    height, width = image['height'], image['width']
    items = [a for a in content['annotations'] if a['image_id'] == image['id']]
    amodal, visible = (
        [to_rle(item[key], height, width) for item in items]
        for key in ('segmentation', 'visible_mask')
    )
    instances = InstanceData(
        labels=torch.tensor([item['category_id'] - 1 for item in items]),
        masks=AmodalMasks(amodal, height, width, visible),
    )
    image = mmcv.imread(str(folder / 'images' / image['file_name']))[..., ::-1]
    drawn = draw(DetDataSample(gt_instances=instances), image)
    panel = drawn[header_height(drawn, height) :].astype(int)
    changed = np.abs(panel - image).max(axis=-1) > 2
    # What is filled is visible; only outlines and labels lie elsewhere.
    inside = instances.masks.visible.any(0) > 0
    assert changed[inside].mean() > 0.95
    assert changed[~inside].mean() < 0.1
