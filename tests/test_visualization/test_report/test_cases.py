from oaformer.visualization.report.cases import select_cases

# Annotation ids 101 to 103 are matched with IoU 1, 3/4 and 2/3; 104 and 105 are missed.


def chosen(groups):
    return {
        group.name: [case.object['annotation_id'] for case in group.cases]
        for group in groups
    }


def test_every_kind_in_its_order(evaluation):
    groups = select_cases(evaluation, 12)
    assert chosen(groups) == dict(
        worst=[103, 102, 101],
        missed=[105, 104],
        occluded_as_unoccluded=[102],
        unoccluded_as_occluded=[103],
        best=[101, 102, 103],
    )
    worst = groups[0].cases[0]
    assert worst.detection['score'] == 0.7
    assert abs(worst.amodal_iou - 2 / 3) < 1e-9
    assert worst.match.annotated_occlusion_rate == 0


def test_number_bounds_the_cases_and_not_the_total(evaluation):
    groups = select_cases(evaluation, 1)
    assert chosen(groups)['worst'] == [103]
    assert [group.total for group in groups] == [3, 2, 1, 1, 3]


def test_threshold_belongs_to_the_occluded(evaluate):
    # Annotated 0.5, predicted 0.01; annotated 0, predicted 0.6.
    at_half = chosen(select_cases(evaluate(occluded_rate=0.5), 12))
    assert at_half['occluded_as_unoccluded'] == [102]
    above = chosen(select_cases(evaluate(occluded_rate=0.51), 12))
    assert above['occluded_as_unoccluded'] == []
    assert above['unoccluded_as_occluded'] == [103]


def test_missed_object_shows_what_overlaps_it_most(evaluation):
    missed = select_cases(evaluation, 12)[1]
    plate, cup = missed.cases
    # 40 x 50 of 50 x 50 pixels, found as a cup.
    assert plate.amodal_iou == 0.8
    assert plate.detection['category_id'] == 1
    assert cup.detection is None and cup.amodal_iou is None


def test_without_rates_nothing_is_confused(evaluate):
    groups = select_cases(evaluate(with_rates=False), 12)
    assert [group.name for group in groups] == ['worst', 'missed', 'best']
