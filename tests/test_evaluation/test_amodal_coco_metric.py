import contextlib
import io
import json
import pickle
import re

import numpy as np
import pytest
from metric_cases import (
    META,
    annotation,
    box_mask,
    evaluate,
    rle_sample,
    sample,
    write,
)
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from oaformer.evaluation import AmodalCocoMetric
from oaformer.evaluation.coco_eval import BEST_ENGINE
from oaformer.structures import decode_masks, encode_masks, to_rle


def test_by_hand(tmp_path):
    whole, other = box_mask(0, 0, 10, 10), box_mask(15, 5, 25, 15)
    ann_file = write(
        tmp_path,
        [
            annotation(1, whole, visible=box_mask(0, 0, 10, 6)),  # 40 % hidden
            annotation(2, other, occlude_rate=0),
        ],
    )
    prediction = sample(
        # IoU 1, no object there, IoU 0.7
        [whole, box_mask(0, 12, 10, 20), box_mask(15, 5, 25, 12)],
        scores=[0.9, 0.8, 0.7],
        rates=[0.5, 0.9, 0.1],
    )
    metrics = evaluate(ann_file, [prediction])

    # Precision is 1 up to recall 0.5, then 2/3 (at low IoU) or nothing.
    low, high = (51 + 50 * 2 / 3) / 101, 51 / 101
    assert metrics['segm_mAP'] == pytest.approx((low + high) / 2)
    assert metrics['segm_mAP_50'] == pytest.approx(low)
    assert metrics['segm_mAP_75'] == pytest.approx(high)
    assert metrics['segm_mAP_s'] == metrics['segm_mAP']
    assert metrics['segm_AR@1'] == pytest.approx(0.5)
    # |0.5 - 0.4| and |0.1 - 0|; the miss does not count.
    assert metrics['occlusion_rate_mae'] == pytest.approx(0.1)
    # No object is larger than 32 x 32 pixels.
    assert metrics.keys().isdisjoint({'segm_mAP_m', 'segm_mAP_l'})


def test_results_and_written_file_equal_pycocotools_on_d2sa(sample_data, tmp_path):
    path = sample_data / 'd2sa_sample' / 'annotations' / 'D2S_amodal_validation.json'
    content = json.loads(path.read_text())
    category_ids = [category['id'] for category in content['categories']]
    rng = np.random.default_rng(0)
    samples = []
    for image in content['images']:
        masks, labels = [], []
        for item in content['annotations']:
            if item['image_id'] != image['id']:
                continue
            mask = decode_masks(
                [to_rle(item['segmentation'], image['height'], image['width'])]
            )[0]
            # moved a little, moved much, and the right place with a wrong class
            for shift, wrong in ((9, 0), (120, 0), (30, 1), (55, 0)):
                masks.append(np.roll(mask, shift, axis=int(rng.integers(2))))
                labels.append((category_ids.index(item['category_id']) + wrong) % 60)
        scores = rng.random(len(masks), dtype=np.float32).tolist()
        rles = encode_masks(np.stack(masks))
        samples.append(rle_sample(rles, scores, labels, image['id']))

    classes = tuple(category['name'] for category in content['categories'])
    prefix = str(tmp_path / 'results')
    ours = evaluate(str(path), samples, dict(classes=classes), outfile_prefix=prefix)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(path))
        evaluation = COCOeval(coco, coco.loadRes(f'{prefix}.segm.json'), 'segm')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    names = [f'mAP{suffix}' for suffix in ('', '_50', '_75', '_s', '_m', '_l')]
    names += [f'AR@{number}' for number in (1, 10, 100)]
    assert [ours.get(f'segm_{name}', -1) for name in names] == pytest.approx(
        evaluation.stats[:9].tolist(), abs=1e-9
    )
    assert 0 < ours['segm_mAP'] < 1


def test_labels_follow_the_order_of_the_data_set_not_of_the_file(tmp_path):
    mask = box_mask(0, 0, 10, 10)
    ann_file = write(tmp_path, [annotation(1, mask, category_id=9)])
    prediction = sample([mask], [0.5], labels=[0])
    right = evaluate(ann_file, [prediction], dict(classes=('plate', 'cup')))
    wrong = evaluate(ann_file, [prediction], dict(classes=('cup', 'plate')))
    assert (right['segm_mAP'], wrong['segm_mAP']) == (pytest.approx(1), 0)


def test_class_agnostic_results_do_not_depend_on_the_classes(tmp_path):
    masks = [box_mask(0, 0, 10, 10), box_mask(15, 5, 25, 15), box_mask(2, 12, 9, 19)]
    found = [masks[0], box_mask(15, 5, 25, 12), box_mask(20, 0, 28, 4)]
    prediction = sample(found, [0.9, 0.8, 0.7], rates=[0.1, 0.2, 0.3])
    results = {True: [], False: []}
    for categories in ((3, 3, 3), (3, 9, 3), (9, 3, 3)):
        annotations = [
            annotation(i, mask, mask * box_mask(0, 0, 30, 16), category_id=category)
            for i, (mask, category) in enumerate(
                zip(masks, categories, strict=True), start=1
            )
        ]
        ann_file = write(tmp_path, annotations)
        for agnostic, metrics in results.items():
            meta = dict(classes=('object',)) if agnostic else META
            metrics.append(
                evaluate(ann_file, [prediction], meta, class_agnostic=agnostic)
            )
    first, *others = results[True]
    assert others == [first, first]
    # of one class only
    assert first == results[False][0] != results[False][1]
    assert 0 < first['segm_mAP'] < 1


def test_class_agnostic_metric_with_data_that_is_not(tmp_path):
    ann_file = write(tmp_path, [annotation(1, box_mask(0, 0, 5, 5))])
    prediction = sample([box_mask(0, 0, 5, 5)], [0.5])
    with pytest.raises(ValueError, match=r"'cup', 'plate'\] .*\['object'\]"):
        evaluate(ann_file, [prediction], class_agnostic=True)


def test_classes_without_ground_truth_are_left_out(tmp_path, log):
    mask = box_mask(0, 0, 10, 10)
    ann_file = write(tmp_path, [annotation(1, mask)])
    prediction = sample([mask, mask], [0.5, 0.9], labels=[0, 1])
    metrics = evaluate(ann_file, [prediction], classwise=True)
    assert metrics['segm_mAP'] == pytest.approx(1)
    assert metrics['cup_precision'] == pytest.approx(1)
    assert 'plate_precision' not in metrics
    table = log[-1]
    assert re.search(r'\| cup +\| +1 \| +1 \| 1.0000 \| 1.0000 \| 1.0000 \|', table)
    assert '| plate' not in table
    assert 'classes without objects: plate' in table


def test_nothing_to_measure(tmp_path, log):
    metrics = evaluate(write(tmp_path, []), [sample([], [], rates=[])])
    assert metrics == {}
    assert 'not measured (no match at IoU 0.5): mIoU_full, occlusion_' in log[-1]
    assert 'not measured (no such objects): amodal masks' in log[-1]


def test_without_predicted_rates_the_error_is_absent(tmp_path, log):
    mask = box_mask(0, 0, 10, 10)
    metrics = evaluate(write(tmp_path, [annotation(1, mask)]), [sample([mask], [0.5])])
    assert 'occlusion_rate_mae' not in metrics
    assert 'segm_mAP_occlusion_15_by_rate' not in metrics
    line = next(
        line
        for line in log[-1].splitlines()
        if line.startswith('not measured (no predicted occlusion rates): ')
    )
    assert 'segm_mAP_occlusion_*_by_rate, occlusion_rate_mae, ' in line
    assert log[-1].count(f'{BEST_ENGINE}: 1 of 1 objects matched') == 1


def test_only_processed_images_count(tmp_path, log):
    mask = box_mask(0, 0, 10, 10)
    annotations = [annotation(i, mask, image_id=i) for i in (1, 2, 3)]
    ann_file = write(tmp_path, annotations, (1, 2, 3))
    metrics = evaluate(ann_file, [sample([mask], [0.5], img_id=2)])
    assert metrics['segm_mAP'] == pytest.approx(1)
    assert any('1 of the 3 images' in line for line in log)


def test_order_of_the_images_does_not_matter(tmp_path):
    # Several processes hand their images over in another order, by pickle.
    rng = np.random.default_rng(0)
    annotations, samples = [], []
    for image_id in range(1, 7):
        mask = box_mask(*rng.integers(0, 8, 2), *rng.integers(12, 18, 2))
        visible = mask * box_mask(0, 0, 10, 20)
        annotations.append(annotation(image_id, mask, visible, image_id=image_id))
        shifted = np.stack([np.roll(mask, s, axis=1) for s in rng.integers(0, 5, 3)])
        samples.append(
            sample(
                shifted,
                [0.5, 0.5, 0.7],
                rates=rng.random(3),
                img_id=image_id,
                visible=shifted * box_mask(0, 0, 12, 20),
            )
        )
    metric = AmodalCocoMetric(write(tmp_path, annotations, range(1, 7)))
    metric.dataset_meta = META
    metric.process(None, [data_sample.to_dict() for data_sample in samples])
    results = pickle.loads(pickle.dumps(metric.results))
    expected = metric.compute_metrics(results)
    assert 0 < expected['segm_mAP'] < 1
    assert 0 < expected['invisible_segm_mAP'] < 1
    assert metric.compute_metrics(results[::-1]) == expected


def test_writes_results_with_occlusion_rates(tmp_path):
    mask = box_mask(2, 3, 10, 8)
    ann_file = write(tmp_path, [annotation(1, mask)])
    prefix = str(tmp_path / 'results')
    visible = box_mask(2, 3, 10, 6)
    prediction = sample([mask], [0.5], labels=[1], rates=[0.25], visible=[visible])
    evaluate(ann_file, [prediction], format_only=True, outfile_prefix=prefix)
    (result,) = json.loads((tmp_path / 'results.segm.json').read_text())
    assert result == dict(
        image_id=1,
        category_id=9,
        segmentation=encode_masks(mask[None])[0],
        score=0.5,
        bbox=[2, 3, 8, 5],
        occlusion_rate=0.25,
        visible_mask=encode_masks(visible[None])[0],
    )


def test_predictions_that_do_not_fit_are_errors(tmp_path):
    mask = box_mask(0, 0, 5, 5)
    good = sample([mask], [0.5])
    small = encode_masks(np.ones((1, 10, 15), np.uint8))
    ann_file = write(tmp_path, [])
    for samples, message in (
        ([good, good], 'image 1 was predicted twice'),
        ([sample([mask], [0.5], img_id=4)], 'image 4 was predicted'),
        ([sample([mask], [0.5], labels=[2])], 'label 2 was predicted'),
        ([rle_sample(small, [0.5], [0])], r'image 1: a predicted mask is \[10, 15\]'),
        *(
            ([sample([mask], [0.5], rates=[rate])], f'image 1: the .* rate {rate}')
            for rate in (float('nan'), -0.1, 1.5)
        ),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(ann_file, samples)
    with pytest.raises(ValueError, match=r"classes \['fork'\]"):
        evaluate(ann_file, [good], dict(classes=('cup', 'fork')))


def test_format_only_needs_a_file(tmp_path):
    with pytest.raises(ValueError, match='outfile_prefix'):
        AmodalCocoMetric(write(tmp_path, []), format_only=True)
