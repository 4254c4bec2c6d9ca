import numpy as np
import pytest

from oaformer.evaluation.occlusion_metrics import (
    Mean,
    RateErrors,
    calibration_table,
    expected_calibration_error,
    mean_of,
    occlusion_confusion,
    occlusion_rate_errors,
)


def random_rates(seed, number=200):
    """Predicted and annotated rates and IoUs; many objects are unoccluded."""
    rng = np.random.default_rng(seed)
    annotated = rng.random(number) * (rng.random(number) < 0.7)
    predicted = (annotated + rng.normal(0, 0.2, number)).clip(0, 1)
    return predicted, annotated, rng.uniform(0.5, 1, number)


def test_mean_is_over_the_values_that_count():
    assert mean_of([0.25, None, 0.75, None]) == Mean(0.5, 2)
    assert mean_of([None]) == mean_of([]) == Mean(None, 0)
    assert mean_of([0.0]) == Mean(0, 1)


def test_buckets_are_closed_at_their_upper_end():
    rates = np.array([0, 1e-5, 1.1e-5, 0.25, 0.2500001, 1])
    errors = occlusion_rate_errors(rates + [0, 0, 0.1, 0.1, 0.3, 0.3], rates)
    assert [bucket.mean_absolute_error for bucket in errors.values()] == pytest.approx(
        [0.8 / 6, 0, 0.1, 0.3]
    )
    assert [bucket.count for bucket in errors.values()] == [6, 2, 2, 2]


def test_mean_absolute_error_by_hand():
    errors = occlusion_rate_errors([0.1, 0.2, 0.5, 0.9], [0, 0.1, 0.3, 0.6])
    assert errors['all'].mean_absolute_error == pytest.approx(0.7 / 4)
    assert errors['none'] == RateErrors(pytest.approx(0.1), None, 1)
    assert errors['partial'] == RateErrors(pytest.approx(0.1), None, 1)
    assert errors['heavy'] == RateErrors(pytest.approx(0.5 / 2), None, 2)
    assert errors['all'].rank_correlation == pytest.approx(1)
    assert errors['all'].count == 4


def test_rank_correlation_by_hand():
    # Ranks 1 2 3 4 5 and 2 1 4 3 5: 1 - 6 * (1 + 1 + 1 + 1) / (5 * 24)
    predicted, annotated = [0.1, 0.2, 0.3, 0.4, 0.9], [0.4, 0.3, 0.6, 0.5, 0.7]
    errors = occlusion_rate_errors(predicted, annotated)
    assert errors['heavy'].rank_correlation == pytest.approx(0.8)

    # Ranks 1.5 1.5 3 and 1 2 3: 1.5 / sqrt(1.5 * 2)
    tied = occlusion_rate_errors([0.2, 0.2, 0.8], [0, 0.3, 0.6])['all']
    assert tied.rank_correlation == pytest.approx(np.sqrt(0.75))

    reverse = occlusion_rate_errors([0.9, 0.5, 0.1], [0, 0.3, 0.6])['all']
    assert reverse.rank_correlation == pytest.approx(-1)


@pytest.mark.parametrize(
    'predicted, annotated',
    [
        ([], []),
        ([0.3], [0.5]),
        ([0.3, 0.6], [0.2, 0.4]),
        ([0.4, 0.4, 0.4], [0, 0.2, 0.6]),
        ([0, 0.2, 0.6], [0.4, 0.4, 0.4]),
        # An order below the rate that counts as unoccluded is rounding.
        ([0.1, 0.2, 0.3], [0, 1e-6, 9e-6]),
    ],
)
def test_rank_correlation_is_absent_where_it_says_nothing(
    predicted, annotated, recwarn
):
    errors = occlusion_rate_errors(predicted, annotated)['all']
    assert errors.rank_correlation is None
    assert errors.count == len(predicted)
    assert not recwarn


def test_without_a_match_nothing_is_measured():
    empty = RateErrors(None, None, 0)
    assert occlusion_rate_errors([], []) == (
        dict(all=empty, none=empty, partial=empty, heavy=empty)
    )
    table = calibration_table([], [])
    assert len(table) == 10
    assert all(entry[2:] == (0, None, None) for entry in table)
    assert expected_calibration_error(table) is None
    nothing = (Mean(None, 0),) * 3
    confusion = occlusion_confusion([], [], [], 0.05)
    assert confusion == dict(occluded=nothing, unoccluded=nothing)


def test_calibration_by_hand():
    table = calibration_table([0, 0.05, 0.075, 0.1, 1], [0.1, 0.3, 0.2, 0.4, 0.8])
    assert [entry.count for entry in table] == [4, *[0] * 8, 1]
    assert table[0] == pytest.approx((0, 0.1, 4, 0.225 / 4, 1.0 / 4))
    assert table[9] == pytest.approx((0.9, 1, 1, 1, 0.8))
    assert table[2].mean_predicted is None and table[2].mean_annotated is None
    # 4/5 * (0.25 - 0.05625) + 1/5 * (1 - 0.8)
    assert expected_calibration_error(table) == pytest.approx(0.195)


def test_the_mean_rate_is_calibrated_and_yet_wrong():
    _, annotated, _ = random_rates(0)
    constant = np.full_like(annotated, annotated.mean())
    table = calibration_table(constant, annotated)
    assert expected_calibration_error(table) == pytest.approx(0)
    assert occlusion_rate_errors(constant, annotated)['all'].mean_absolute_error > 0.2


def test_confusion_by_hand():
    predicted, annotated = [0, 0.3, 0.02, 0.05, 0.6], [0, 0.2, 0.4, 0.01, 0.05]
    ious = [0.9, 0.8, 0.6, 0.7, 0.5]
    assert occlusion_confusion(predicted, annotated, ious, 0.05) == dict(
        occluded=(
            *((pytest.approx(0.65), 2), (pytest.approx(0.6), 1)),
            (pytest.approx(1 / 3), 3),
        ),
        unoccluded=((pytest.approx(0.7), 1), (pytest.approx(0.9), 1), (0.5, 2)),
    )
    # the threshold itself is occluded
    assert occlusion_confusion(annotated, annotated, ious, 0.2) == dict(
        occluded=((pytest.approx(0.7), 2), (None, 0), (0, 2)),
        unoccluded=((None, 0), (pytest.approx(0.7), 3), (0, 3)),
    )


@pytest.mark.parametrize('seed', range(3))
def test_perfect_rates(seed):
    _, annotated, ious = random_rates(seed)
    errors = occlusion_rate_errors(annotated, annotated)
    assert all(group.mean_absolute_error == 0 for group in errors.values())
    assert errors['all'].rank_correlation == pytest.approx(1)
    assert errors['heavy'].rank_correlation == pytest.approx(1)
    assert errors['none'].rank_correlation is None
    table = calibration_table(annotated, annotated)
    assert expected_calibration_error(table) == pytest.approx(0)
    confusion = occlusion_confusion(annotated, annotated, ious, 0.05)
    assert [kind.taken_for_other.value for kind in confusion.values()] == [0, 0]


@pytest.mark.parametrize('seed', range(3))
def test_parts_make_up_the_whole(seed):
    predicted, annotated, ious = random_rates(seed)
    errors = occlusion_rate_errors(predicted, annotated)
    overall, *buckets = errors.values()
    assert sum(bucket.count for bucket in buckets) == overall.count == 200
    weighted = sum(bucket.count * bucket.mean_absolute_error for bucket in buckets)
    assert overall.mean_absolute_error == pytest.approx(weighted / 200)

    table = calibration_table(predicted, annotated)
    assert sum(entry.count for entry in table) == 200
    for entry in table:
        assert entry.lower <= entry.mean_predicted <= entry.upper
    # The gap of means is at most the mean of gaps.
    assert expected_calibration_error(table) <= overall.mean_absolute_error

    confusion = occlusion_confusion(predicted, annotated, ious, 0.05)
    cells = [cell for kind in confusion.values() for cell in kind[:2]]
    assert sum(cell.count for cell in cells) == 200
    weighted = sum(cell.count * cell.value for cell in cells)
    assert weighted / 200 == pytest.approx(ious.mean())


def test_rates_of_a_network_are_float32():
    predicted, annotated, ious = random_rates(0)
    errors = occlusion_rate_errors(predicted.astype(np.float32), annotated)['all']
    exact = occlusion_rate_errors(predicted, annotated)['all']
    assert errors.mean_absolute_error == pytest.approx(exact.mean_absolute_error)
    assert type(errors.mean_absolute_error) is float
    assert type(errors.rank_correlation) is float
