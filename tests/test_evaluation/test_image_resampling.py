import numpy as np
import pytest
from coco_cases import CATEGORIES, SIZE, random_case

from oaformer.evaluation import evaluate_amodal, measurements
from oaformer.evaluation.ground_truth import AmodalGroundTruth
from oaformer.evaluation.image_resampling import (
    bootstrap_differences,
    measure_by_weights,
)
from oaformer.structures import encode_masks


def evaluate(seed, times=None, ties=False):
    """Evaluate a random case in which each image is there a number of times."""
    objects, detections, images = random_case(seed)
    images = sorted(images, key=lambda image: image['id'])
    times = np.ones(len(images), int) if times is None else times
    nothing = encode_masks(np.zeros((1, SIZE, SIZE), np.uint8))[0]
    copies, annotations, results = {}, [], []
    for image, number in zip(images, times, strict=True):
        found = [item for item in detections if item['image_id'] == image['id']]
        # COCO ranks equal scores by image: copies would change the order
        scores = [item['score'] + (0 if ties else 1e-6 * item['id']) for item in found]
        for image_id in range(100 * image['id'], 100 * image['id'] + number):
            copies[image_id] = dict(image, id=image_id)
            for item in objects:
                if item['image_id'] == image['id']:
                    hidden = item['occlusion_rate'] > 0.2
                    fields = dict(id=len(annotations) + 1, image_id=image_id)
                    fields['visible_mask'] = nothing if hidden else item['segmentation']
                    annotations.append({**item, **fields})
            results.append(
                dict(
                    img_id=image_id,
                    labels=np.array(
                        [CATEGORIES.index(i['category_id']) for i in found]
                    ),
                    scores=np.array(scores),
                    bboxes=np.zeros((len(found), 4)),
                    masks=[item['segmentation'] for item in found],
                    occlusion_rates=np.array([i['occlusion_rate'] for i in found]),
                )
            )
    classes = {str(category_id): category_id for category_id in CATEGORIES}
    truth = AmodalGroundTruth('case', copies, annotations, classes, True)
    return evaluate_amodal(truth, results), sorted(copies)


def metrics(evaluation):
    return {item.name: item.value for item in measurements(evaluation)}


@pytest.mark.parametrize('seed', range(3))
def test_weights_are_numbers_of_copies(seed):
    evaluation, image_ids = evaluate(seed)
    measure = measure_by_weights(evaluation, image_ids)
    for times in np.random.default_rng(seed).integers(0, 4, (3, len(image_ids))):
        expected = metrics(evaluate(seed, times)[0])
        measured = measure(times)
        assert len(measured) == 9
        for name, value in measured.items():
            assert value == pytest.approx(expected[name]), name


def test_weights_of_one_are_the_evaluation():
    evaluation, image_ids = evaluate(0, ties=True)
    expected = metrics(evaluation)
    measured = measure_by_weights(evaluation, image_ids)(np.ones(len(image_ids), int))
    assert measured == pytest.approx({name: expected[name] for name in measured})


def test_without_images_nothing_is_measured():
    evaluation, image_ids = evaluate(0)
    measured = measure_by_weights(evaluation, image_ids)(np.zeros(len(image_ids), int))
    assert np.isnan(list(measured.values())).all()


def test_intervals_of_differences():
    """Of a constant difference the interval is a point; a fair coin's is known."""
    num_images = 100
    values = np.arange(num_images) % 2.0

    def measure(weights):
        return dict(coin=weights @ values / weights.sum(), same=1.0)

    def other(weights):
        return dict(same=weights @ values / weights.sum() * 0 + 0.75, coin=0.0, more=0)

    intervals = bootstrap_differences([measure, measure], [other], num_images)
    assert set(intervals) == {'coin', 'same'}
    assert intervals['same'] == pytest.approx((0.25, 0.25))
    # 1.96 standard errors of 0.05 around a half
    assert intervals['coin'] == pytest.approx((0.402, 0.598), abs=0.02)
    assert bootstrap_differences([measure], [measure], num_images, 20)['coin'] == (0, 0)


# it does not vary at all
@pytest.mark.filterwarnings('ignore:The BCa')
def test_both_systems_are_measured_on_the_same_images():
    first, image_ids = evaluate(1)
    measures = [measure_by_weights(first, image_ids)]
    intervals = bootstrap_differences(measures, measures, len(image_ids), 30)
    assert set(intervals['segm_mAP']) == {0}
