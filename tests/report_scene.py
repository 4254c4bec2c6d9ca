"""Two images with objects and detections whose numbers are known by heart."""

import json
import pickle

import numpy as np

from oaformer.structures import encode_masks

HEIGHT, WIDTH = 120, 160
CLASSES = ('cup', '<b>plate</b>', 'fork')

# Class, amodal box, visible box of the objects of either image. Annotation ids are
# 101 to 105; the second object is hidden by half.
OBJECTS = {
    1: [
        (0, (10, 50, 10, 50), (10, 50, 10, 50)),
        (1, (10, 50, 60, 100), (10, 50, 80, 100)),
        (0, (70, 110, 60, 120), (70, 110, 60, 120)),
    ],
    2: [
        (0, (80, 110, 120, 150), (80, 110, 120, 150)),
        (1, (10, 60, 10, 60), (10, 60, 10, 60)),
    ],
}
# Class, score, amodal box, occlusion rate. The first three match 101 to 103 with IoU 1,
# 3/4 and 2/3; the fourth overlaps 105 of another class by 4/5, the last overlaps none.
DETECTIONS = {
    1: [
        (0, 0.9, (10, 50, 10, 50), 0.0),
        (1, 0.8, (10, 50, 60, 90), 0.01),
        (0, 0.7, (70, 110, 60, 100), 0.6),
    ],
    2: [(0, 0.6, (10, 50, 10, 60), 0.3), (0, 0.5, (90, 110, 20, 60), 0.0)],
}


def box_mask(top, bottom, left, right, height=HEIGHT, width=WIDTH):
    """RLE of a box."""
    mask = np.zeros((1, height, width), np.uint8)
    mask[0, top:bottom, left:right] = 1
    return encode_masks(mask)[0]


def annotations():
    """Content of the annotation file."""
    entries = [
        (image_id, *entry) for image_id, group in OBJECTS.items() for entry in group
    ]
    return dict(
        images=[
            dict(id=number, file_name=f'{number} & co.png', height=HEIGHT, width=WIDTH)
            for number in OBJECTS
        ],
        annotations=[
            dict(
                id=number,
                image_id=image_id,
                category_id=label + 1,
                segmentation=box_mask(*amodal),
                visible_mask=box_mask(*visible),
            )
            for number, (image_id, label, amodal, visible) in enumerate(entries, 101)
        ],
        categories=[dict(id=i, name=name) for i, name in enumerate(CLASSES, start=1)],
    )


# Columns of the predicted visible masks: two thirds of the plate are hidden.
VISIBLE = {1: [(10, 50), (80, 90), (60, 100)], 2: [(10, 60), (20, 60)]}


def predictions(with_rates=True, with_visible_masks=False):
    """Predictions as tools/test.py dumps them."""
    dumped = []
    for image_id, detections in DETECTIONS.items():
        labels, scores, boxes, rates = zip(*detections, strict=True)
        instances = dict(
            labels=np.array(labels),
            scores=np.array(scores),
            bboxes=np.array([[box[2], box[0], box[3], box[1]] for box in boxes]),
            masks=[box_mask(*box) for box in boxes],
        )
        if with_rates:
            instances['occlusion_rates'] = np.array(rates)
        if with_visible_masks:
            instances['visible_masks'] = [
                box_mask(*box[:2], *columns)
                for box, columns in zip(boxes, VISIBLE[image_id], strict=True)
            ]
        dumped.append(dict(img_id=image_id, pred_instances=instances))
    return dumped


CONFIG = """
custom_imports = dict(imports=['oaformer'], allow_failed_imports=False)
default_scope = 'mmdet'
visualizer = dict(
    type='AmodalLocalVisualizer',
    vis_backends=[dict(type='LocalVisBackend')],
    name='visualizer')
test_dataloader = dict(
    dataset=dict(
        type='AmodalCocoDataset',
        data_root={root!r},
        ann_file='val.json',
        data_prefix=dict(img='images'),
        test_mode=True,
        pipeline=[]))
test_evaluator = dict(type='AmodalCocoMetric', ann_file={root!r} + '/val.json')
"""


def write_run(folder, **kwargs):
    """Annotations, config and predictions of a test run; its images are missing."""
    (folder / 'val.json').write_text(json.dumps(annotations()))
    (folder / 'config.py').write_text(CONFIG.format(root=str(folder)))
    (folder / 'predictions.pkl').write_bytes(pickle.dumps(predictions(**kwargs)))
