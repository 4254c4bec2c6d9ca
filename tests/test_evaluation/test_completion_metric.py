import numpy as np
import pytest
import torch

from oaformer.evaluation import CompletionMetric
from oaformer.evaluation.completion_metric import completion_ious
from oaformer.structures import AmodalMasks, encode_masks


def strip(*columns, width=12):
    """A mask of one row with these columns."""
    mask = np.zeros((1, 1, width), dtype=np.uint8)
    mask[..., list(columns)] = 1
    return mask


def rles(*masks):
    return encode_masks(np.concatenate(masks))


def sample(predicted, amodal, visible, labels=None, rates=None, size=(1, 12)):
    carrier = AmodalMasks(
        np.concatenate(amodal), *amodal[0].shape[1:], np.concatenate(visible)
    )
    count = len(amodal)
    instances = dict(
        masks=rles(*predicted),
        labels=torch.tensor(labels or [0] * count),
    )
    if rates is not None:
        instances['occlusion_rates'] = torch.tensor(rates)
    truth = dict(masks=carrier, labels=torch.zeros(count, dtype=torch.long))
    return dict(
        pred_instances=instances, gt_instances=truth, ori_shape=size, img_path='a.png'
    )


def test_whole_and_hidden_part_by_hand():
    # seen: 0 to 3 of 0 to 7; predicted 0 to 5 and 8: 6 of 9, hidden 2 of 5
    full, occluded = completion_ious(
        rles(strip(0, 1, 2, 3, 4, 5, 8)),
        rles(strip(*range(8))),
        rles(strip(0, 1, 2, 3)),
    )
    assert full.tolist() == [6 / 9] and occluded.tolist() == [2 / 5]


def test_an_object_without_a_hidden_part_counts_for_the_whole_only():
    full, occluded = completion_ious(
        rles(strip(0, 1, 2)), rles(strip(0, 1)), rles(strip(0, 1))
    )
    assert full.tolist() == [2 / 3] and np.isnan(occluded).all()


def test_nothing_predicted_is_zero():
    full, occluded = completion_ious(rles(strip()), rles(strip(0, 1)), rles(strip(0)))
    assert full.tolist() == [0] and occluded.tolist() == [0]


def test_every_object_counts_the_same_in_any_image():
    metric = CompletionMetric()
    whole = strip(0, 1, 2, 3)
    metric.process({}, [sample([whole], [whole], [strip(0, 1)], rates=[0.4])])
    objects = [strip(0, 1), whole, whole]
    metric.process(
        {},
        [
            sample(
                [strip(0, 1), strip(0, 1), strip(0, 1, 2)],
                objects,
                [strip(0, 1), strip(0, 1), strip(0, 1)],
                labels=[0, 1, 0],
                rates=[0.0, 0.5, 0.9],
            )
        ],
    )
    result = metric.evaluate(4)
    assert result['completion/mIoU_full'] == pytest.approx((1 + 1 + 0.5 + 0.75) / 4)
    assert result['completion/mIoU_occluded'] == pytest.approx((1 + 0 + 0.5) / 3)
    assert result['completion/occlusion_rate_mae'] == pytest.approx(0.5 / 4)
    assert result['completion/class_accuracy'] == pytest.approx(3 / 4)
    assert result['completion/num_objects'] == 4


def test_without_objects_there_are_no_means():
    metric = CompletionMetric()
    metric.process({}, [])
    assert metric.compute_metrics([]) == dict(num_objects=0)


def test_predictions_of_other_objects_are_refused():
    metric, mask = CompletionMetric(), strip(0)
    with pytest.raises(ValueError, match=r'a\.png: 2 predictions, 1 annotated'):
        metric.process({}, [sample([mask, mask], [mask], [mask], labels=[0, 0])])
    with pytest.raises(ValueError, match=r'resized to 1 x 12 .* behind Resize'):
        metric.process({}, [sample([mask], [mask], [mask], size=(2, 24))])
