import json

import numpy as np
import pytest
import torch
from coco_cases import CATEGORIES, SIZE, random_case
from metric_cases import (
    annotation,
    box_mask,
    corners,
    evaluate,
    rle_sample,
    sample,
    write,
)
from mmdet.evaluation import CocoMetric
from mmengine.evaluator import Evaluator

from oaformer.evaluation import AmodalCocoMetric
from oaformer.structures import rle_bbox


def test_visible_and_invisible_masks_by_hand(tmp_path):
    whole, other = box_mask(0, 0, 10, 10), box_mask(15, 5, 25, 15)
    ann_file = write(
        tmp_path,
        [annotation(1, whole, visible=box_mask(0, 0, 10, 6)), annotation(2, other)],
    )
    prediction = sample(
        # IoU of the visible masks 60 / 70, of the invisible ones 30 / 40
        [whole, other],
        scores=[0.5, 0.9],
        visible=[box_mask(0, 0, 10, 7), other],
        rates=[0.3, 0.0],
    )
    metrics = evaluate(ann_file, [prediction])
    assert metrics['segm_mAP'] == pytest.approx(1)
    # The first object is found up to IoU 0.85, the second at all ten thresholds.
    assert metrics['visible_segm_mAP'] == pytest.approx((8 + 2 * 51 / 101) / 10)
    assert metrics['visible_segm_mAP_50'] == pytest.approx(1)
    assert metrics['visible_segm_AR@1'] == pytest.approx(0.5)
    # Found up to 0.75. The other detection predicts nothing invisible and is no miss.
    assert metrics['invisible_segm_mAP'] == pytest.approx(0.6)
    assert metrics['invisible_segm_mAP_75'] == pytest.approx(1)
    assert metrics['invisible_segm_AR@1'] == pytest.approx(0.6)
    assert metrics['mIoU_full'] == pytest.approx(1)
    assert metrics['mIoU_visible'] == pytest.approx((60 / 70 + 1) / 2)
    # The amodal mask is right, so all of it but the visible part is.
    assert metrics['mIoU_invisible'] == pytest.approx(1)
    assert metrics['mIoU_predicted_invisible'] == pytest.approx(0.75)


def test_small_invisible_masks_can_be_ignored(tmp_path, log):
    whole, part = box_mask(0, 0, 10, 10), box_mask(0, 0, 10, 6)
    ann_file = write(tmp_path, [annotation(1, whole, visible=part)])
    prediction = sample([whole], [0.5], visible=[part])
    metrics = evaluate(ann_file, [prediction], min_invisible_area=39)
    assert metrics['invisible_segm_mAP'] == pytest.approx(1)
    metrics = evaluate(ann_file, [prediction], min_invisible_area=40)
    assert 'invisible_segm_mAP' not in metrics
    assert metrics['visible_segm_mAP'] == pytest.approx(1)
    assert 'not measured (no such objects): ' in log[-1]


def test_a_fully_hidden_object_is_found_by_its_amodal_and_invisible_mask(tmp_path):
    whole, nothing = box_mask(0, 0, 10, 10), box_mask(0, 0, 0, 0)
    ann_file = write(tmp_path, [annotation(1, whole, visible=nothing)])
    prediction = sample([whole], [0.5], visible=[nothing], rates=[1.0])
    metrics = evaluate(ann_file, [prediction])
    assert metrics['segm_mAP'] == metrics['invisible_segm_mAP'] == pytest.approx(1)
    assert metrics['mIoU_invisible'] == 1
    assert 'visible_segm_mAP' not in metrics


def test_a_rate_without_masks_is_neither_right_nor_wrong_among_visible_masks(tmp_path):
    """The visible part of the second object is unknown, its rate is not."""
    whole, other = box_mask(0, 0, 10, 10), box_mask(15, 5, 25, 15)
    part = box_mask(0, 0, 10, 6)
    first = annotation(1, whole, visible=part)
    prediction = sample(
        [whole, other],
        scores=[0.5, 0.9],
        visible=[part, box_mask(15, 5, 25, 11)],
        rates=[0.4, 0.3],
    )
    ann_file = write(tmp_path, [first, annotation(2, other, occlude_rate=0.4)])
    metrics = evaluate(ann_file, [prediction])
    for name in ('segm_mAP', 'visible_segm_mAP', 'invisible_segm_mAP'):
        assert metrics[name] == pytest.approx(1)
    assert metrics['mIoU_visible'] == 1
    assert metrics['occlusion_rate_mae'] == pytest.approx(0.05)
    # an object that is annotated as whole is not ignored
    ann_file = write(tmp_path, [first, annotation(2, other, occlude_rate=0)])
    metrics = evaluate(ann_file, [prediction])
    assert metrics['visible_segm_mAP'] < 1
    assert metrics['mIoU_visible'] == pytest.approx(0.8)


def test_without_annotated_visible_masks_none_are_measured(tmp_path, log):
    mask = box_mask(0, 0, 10, 10)
    ann_file = write(tmp_path, [annotation(1, mask)])
    metrics = evaluate(ann_file, [sample([mask], [0.5], visible=[mask])])
    assert not [name for name in metrics if 'visible' in name]
    reason = 'not measured (no annotated visible masks): visible masks, invisible masks'
    assert reason in log[-1]


def test_occlusion_by_hand(tmp_path):
    front, back = box_mask(0, 0, 10, 10), box_mask(5, 0, 15, 10)
    ann_file = write(
        tmp_path,
        [annotation(1, front), annotation(2, back, visible=box_mask(10, 0, 15, 10))],
    )
    prediction = sample(
        [box_mask(20, 0, 30, 10), back, front], [0.9, 0.8, 0.7], rates=[0.1, 0.3, 0.0]
    )
    metrics = evaluate(ann_file, [prediction])
    assert metrics['segm_mAP_occlusion_heavy'] == pytest.approx(0.5)
    assert metrics['segm_mAP_occlusion_40_by_rate'] == pytest.approx(1)
    assert metrics['segm_mAP_occlusion_none'] == pytest.approx(0.5)
    assert metrics['segm_mAP_occlusion_40'] == pytest.approx(0.5)
    assert 'segm_mAP_occlusion_partial' not in metrics
    assert metrics['occlusion_rate_mae_none'] == 0
    assert metrics['occlusion_rate_mae_heavy'] == pytest.approx(0.2)
    assert metrics['occlusion_rate_mae'] == pytest.approx(0.1)
    assert metrics['occlusion_rate_calibration_error'] == pytest.approx(0.1)
    assert metrics['occluded_taken_for_unoccluded'] == 0
    assert metrics['unoccluded_taken_for_occluded'] == 0
    assert metrics['occlusion_order_accuracy'] == 1
    # two instances have no rank correlation to speak of
    assert 'occlusion_rate_spearman' not in metrics

    metrics = evaluate(ann_file, [prediction], occluded_rate=0.4)
    assert metrics['occluded_taken_for_unoccluded'] == 1
    with pytest.raises(ValueError, match='occluded_rate'):
        AmodalCocoMetric(ann_file, occluded_rate=0)


def test_buckets_that_no_prediction_reaches_have_no_number_by_rate(tmp_path):
    # a sigmoid is never 0: in 'none' none of the false positives would count
    mask, elsewhere = box_mask(0, 0, 10, 10), box_mask(15, 0, 25, 10)
    ann_file = write(tmp_path, [annotation(1, mask)])
    prediction = sample(
        [elsewhere] * 20 + [mask], [0.99] * 20 + [0.5], rates=[0.02] * 21
    )
    metrics = evaluate(ann_file, [prediction])
    assert metrics['segm_mAP_occlusion_none'] == pytest.approx(1 / 21)
    assert [name for name in metrics if name.endswith('_by_rate')] == []


HALF = box_mask(0, 0, 10, 20)
BESIDE = box_mask(20, 0, 30, 20)


@pytest.mark.parametrize('as_tensor', [False, True])
@pytest.mark.parametrize(
    'visible, expected',
    [
        # 300 of 400 predicted pixels are taken for hidden, 100 of the 200 hidden
        (box_mask(10, 0, 20, 10) | BESIDE, 100 / 400),
        # nothing of the object is predicted as visible
        (BESIDE, 200 / 400),
    ],
    ids=['leaves', 'beside'],
)
def test_visible_masks_count_inside_the_amodal_mask(
    tmp_path, visible, expected, as_tensor
):
    whole = box_mask(0, 0, 20, 20)
    ann_file = write(tmp_path, [annotation(1, whole, visible=HALF)])
    prediction = sample([whole], [0.5], visible=[visible], as_tensor=as_tensor)
    metrics = evaluate(ann_file, [prediction])
    assert metrics['mIoU_predicted_invisible'] == pytest.approx(expected)
    assert metrics['mIoU_full'] == 1


def test_rates_are_derived_from_predicted_masks(tmp_path, log):
    whole = box_mask(0, 0, 20, 20)
    ann_file = write(tmp_path, [annotation(1, whole, visible=HALF)])
    prediction = sample([whole], [0.5], visible=[box_mask(0, 0, 20, 15)])
    metrics = evaluate(ann_file, [prediction])
    # 0.25 of the predicted mask and 0.5 of the object are hidden
    assert metrics['occlusion_rate_mae'] == pytest.approx(0.25)
    assert metrics['segm_mAP_occlusion_40_by_rate'] == pytest.approx(1)
    text = 'occlusion rates are derived from the predicted masks'
    assert log.pop().count(text) == 1
    prediction.pred_instances.occlusion_rates = torch.tensor([0.25])
    evaluate(ann_file, [prediction])
    assert text not in log.pop()


@pytest.mark.parametrize('seed', range(2))
def test_boxes_equal_those_of_mmdetection(tmp_path, seed):
    objects, detections, images = random_case(seed)
    rng = np.random.default_rng(seed)
    content = dict(
        images=[dict(image, file_name=f'{image["id"]}.png') for image in images],
        annotations=[
            dict(item, bbox=rle_bbox(item['segmentation']), occlusion_rate=None)
            for item in objects
        ],
        categories=[dict(id=number, name=str(number)) for number in CATEGORIES],
    )
    path = tmp_path / 'annotations.json'
    path.write_text(json.dumps(content))
    samples = []
    for image in images:
        items = [item for item in detections if item['image_id'] == image['id']]
        rles = [item['segmentation'] for item in items]
        boxes = corners(rles) + rng.normal(0, 2, (len(items), 4)).astype(np.float32)
        labels = [CATEGORIES.index(item['category_id']) for item in items]
        scores, size = [item['score'] for item in items], (SIZE, SIZE)
        bboxes = torch.from_numpy(boxes)
        samples.append(
            rle_sample(rles, scores, labels, image['id'], size, bboxes=bboxes)
        )

    names = ['mAP', 'mAP_50', 'mAP_75', 'mAP_s', 'mAP_m', 'mAP_l']
    stock = Evaluator(
        CocoMetric(
            str(path),
            metric='bbox',
            proposal_nums=(1, 10, 100),
            # the names of stock's recalls are those of other detection limits
            metric_items=[*names, 'AR@100', 'AR@300', 'AR@1000'],
        )
    )
    meta = dict(classes=tuple(map(str, CATEGORIES)))
    stock.dataset_meta = meta
    for data_sample in samples:
        stock.process([data_sample])
    expected = stock.evaluate(len(samples)).values()
    metrics = evaluate(str(path), samples, meta)
    assert 0 < metrics['bbox_mAP'] < 1
    names += ['AR@1', 'AR@10', 'AR@100']
    ours = [metrics.get(f'bbox_{name}', -1) for name in names]
    assert ours == pytest.approx(list(expected), abs=5.1e-4)


def test_order_is_read_from_visible_masks_if_there_are_any(tmp_path):
    front, back = box_mask(0, 0, 10, 10), box_mask(5, 0, 15, 10)
    ann_file = write(
        tmp_path,
        [annotation(1, front), annotation(2, back, visible=box_mask(10, 0, 15, 10))],
    )
    # the rates say the reverse of the visible masks
    prediction = sample(
        [front, back],
        [0.9, 0.8],
        rates=[0.5, 0.0],
        visible=[front, box_mask(10, 0, 15, 10)],
    )
    assert evaluate(ann_file, [prediction])['occlusion_order_accuracy'] == 1
    del prediction.pred_instances.visible_masks
    assert evaluate(ann_file, [prediction])['occlusion_order_accuracy'] == 0


def test_the_ground_truth_itself_is_perfect(sample_file):
    metric = AmodalCocoMetric(str(sample_file))
    category_ids = list(metric.ground_truth.category_ids.values())
    for image_id in metric.ground_truth.images:
        items = [
            item
            for item in metric.ground_truth.annotations
            if item['image_id'] == image_id and not item['iscrowd']
        ]
        prediction = dict(
            bboxes=corners([item['segmentation'] for item in items]),
            labels=np.array([category_ids.index(i['category_id']) for i in items]),
            scores=np.full(len(items), 0.5),
            masks=[item['segmentation'] for item in items],
            visible_masks=[item['visible_mask'] for item in items],
            occlusion_rates=np.array([item['occlusion_rate'] for item in items]),
        )
        metric.process(None, [dict(img_id=image_id, pred_instances=prediction)])
    metrics = metric.compute_metrics(metric.results)
    errors = {name for name in metrics if 'mae' in name or 'error' in name}
    errors |= {name for name in metrics if 'taken_for' in name}
    limits = {name for name in metrics if 'AR@1' in name}
    assert len(errors) >= 5
    for name, value in metrics.items():
        if name in errors:
            assert value == pytest.approx(0), name
        elif name not in limits:
            assert value == pytest.approx(1), name
    for name in ('visible_segm_mAP', 'invisible_segm_mAP', 'occlusion_order_accuracy'):
        assert name in metrics
