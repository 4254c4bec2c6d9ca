import base64

import cv2
import numpy as np
import pytest
from report_scene import box_mask

from oaformer.visualization.report.cases import Case, select_cases
from oaformer.visualization.report.drawing import (
    MAX_DRAWN_WIDTH,
    crop_window,
    draw_case,
    jpeg_data_uri,
)

LABELS = {1: 0, 2: 1, 3: 2}


@pytest.mark.parametrize(
    ('box', 'window'),
    [
        # 100 pixels and 30 on every side
        ((200, 300, 400, 450), (345, 170, 505, 330)),
        # moved into the image
        ((0, 100, 0, 100), (0, 0, 160, 160)),
        # as much as the image has
        ((0, 480, 0, 640), (0, 0, 640, 480)),
        # a few pixels need their surroundings
        ((200, 204, 300, 304), (270, 170, 334, 234)),
    ],
)
def test_window(box, window):
    assert crop_window([box_mask(*box, 480, 640)]) == window


def test_window_holds_object_and_detection():
    masks = [
        box_mask(100, 200, 100, 200, 480, 640),
        box_mask(300, 320, 400, 420, 480, 640),
    ]
    left, top, right, bottom = crop_window([*masks, box_mask(0, 0, 0, 0, 480, 640)])
    assert left <= 100 and top <= 100 and right >= 420 and bottom >= 320


def test_object_left_detection_right(evaluation, visualizer):
    case = select_cases(evaluation, 1)[0].cases[0]
    image = np.full((120, 160, 3), 100, np.uint8)
    drawn = draw_case(visualizer, case, LABELS, image).astype(int)
    assert drawn.shape[1] <= MAX_DRAWN_WIDTH
    left, right = np.array_split(drawn, 2, axis=1)
    # Columns 60 to 120 of the object are annotated, the last 20 are not detected.
    row = drawn.shape[0] * 2 // 3
    window = crop_window([case.object['segmentation']])
    scale = left.shape[1] / (window[2] - window[0])
    column = round((112 - window[0]) * scale)
    assert abs(left[row, column] - 100).max() > 30
    assert abs(right[row, column] - 100).max() < 15


def test_large_masks_are_made_smaller_with_the_image(visualizer):
    height, width = 1500, 2000
    mask = box_mask(100, 1400, 200, 1800, height, width)
    item = dict(
        segmentation=mask,
        visible_mask=mask,
        category_id=1,
        occlusion_rate=0.0,
        score=0.5,
    )
    image = np.full((height, width, 3), 100, np.uint8)
    drawn = draw_case(visualizer, Case(item, item, 1.0), LABELS, image)
    assert drawn.shape[1] == MAX_DRAWN_WIDTH


def test_without_detection_and_without_image(evaluation, visualizer):
    case = select_cases(evaluation, 2)[1].cases[1]
    assert case.detection is None
    drawn = draw_case(visualizer, case, LABELS, None).astype(int)
    left, right = np.array_split(drawn, 2, axis=1)
    middle = left.shape[0] // 2, left.shape[1] // 2
    assert abs(left[middle] - 128).max() > 30
    assert abs(right[middle] - 128).max() == 0


def test_data_uri_holds_the_image():
    image = np.zeros((40, 60, 3), np.uint8)
    image[..., 0] = 200
    head, content = jpeg_data_uri(image).split(',')
    assert head == 'data:image/jpeg;base64'
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), 1)
    np.testing.assert_allclose(decoded[..., ::-1], image, atol=8)
