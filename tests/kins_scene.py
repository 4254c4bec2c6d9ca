"""A scene in the form of both releases of KINS, with areas that can be counted.

A pedestrian (10 x 10) stands before a car (20 x 10), of which it hides 7 x 7, and
before a cyclist (5 x 5), of which it hides all. A van has two parts.
"""

import numpy as np

from oaformer.structures import encode_masks

HEIGHT, WIDTH = 20, 30
CATEGORIES = {
    1: 'cyclist',
    2: 'pedestrian',
    4: 'car',
    5: 'tram',
    6: 'truck',
    7: 'van',
    8: 'misc',
}
PEDESTRIAN = [[2, 2, 12, 2, 12, 12, 2, 12]]
CAR = [[5, 5, 25, 5, 25, 15, 5, 15]]
CAR_SEEN = [[12, 5, 25, 5, 25, 15, 5, 15, 5, 12, 12, 12]]
CYCLIST = [[3, 3, 8, 3, 8, 8, 3, 8]]
VAN = [[0, 16, 10, 16, 10, 20, 0, 20], [20, 16, 30, 16, 30, 20, 20, 20]]
# id, category, amodal polygons and box, visible polygons and box, cluster, depth
OBJECTS = (
    (11, 4, CAR, [5, 5, 20, 10], CAR_SEEN, [5, 5, 20, 10], 1, 2),
    (12, 2, PEDESTRIAN, [2, 2, 10, 10], PEDESTRIAN, [2, 2, 10, 10], 1, 1),
    (15, 1, CYCLIST, [3, 3, 5, 5], [], [0, 0, 0, 0], 1, 3),
    (16, 7, VAN, [0, 16, 30, 4], VAN, [0, 16, 30, 4], 2, 0),
)
AREAS = [200, 100, 25, 80]
RATES = [49 / 200, 0, 1, 0]


def bitmap(*boxes, without=()):
    """Pixels of boxes (left, top, right, bottom), shape (1, H, W)."""
    pixels = np.zeros((1, HEIGHT, WIDTH), np.uint8)
    for left, top, right, bottom in boxes:
        pixels[0, top:bottom, left:right] = 1
    for left, top, right, bottom in without:
        pixels[0, top:bottom, left:right] = 0
    return pixels


AMODAL = [
    bitmap((5, 5, 25, 15)),
    bitmap((2, 2, 12, 12)),
    bitmap((3, 3, 8, 8)),
    bitmap((0, 16, 10, 20), (20, 16, 30, 20)),
]
VISIBLE = [
    bitmap((5, 5, 25, 15), without=[(5, 5, 12, 12)]),
    AMODAL[1],
    bitmap(),
    AMODAL[3],
]


def _file(annotations, categories):
    images = [
        dict(id=number, file_name=f'{number:06}.png', height=HEIGHT, width=WIDTH)
        for number in (7, 8)
    ]
    categories = [dict(id=key, name=name) for key, name in categories.items()]
    return dict(images=images, annotations=annotations, categories=categories)


def release_2019():
    """The scene as in ``instances_*.json``; image 8 has no object."""
    annotations = [
        dict(
            id=key,
            image_id=7,
            category_id=category,
            iscrowd=0,
            area=area,
            segmentation=amodal,
            bbox=box,
            inmodal_seg=encode_masks(seen)[0],
            inmodal_bbox=seen_box,
        )
        for (key, category, amodal, box, _, seen_box, _, _), area, seen in zip(
            OBJECTS, AREAS, VISIBLE, strict=True
        )
    ]
    return _file(annotations, CATEGORIES)


def release_2020():
    """The scene as in ``update_*_2020.json``, which lists the class without objects."""
    annotations = [
        dict(
            id=key,
            image_id=7,
            category_id=category,
            a_segm=amodal,
            a_bbox=box,
            a_area=int(amodal_pixels.sum()),
            i_segm=seen,
            i_bbox=seen_box,
            i_area=int(seen_pixels.sum()),
            oco_id=cluster,
            ico_id=depth,
        )
        for (
            (key, category, amodal, box, seen, seen_box, cluster, depth),
            amodal_pixels,
            seen_pixels,
        ) in zip(OBJECTS, AMODAL, VISIBLE, strict=True)
    ]
    return _file(annotations, {1: 'cyclist', 3: 'rider'} | CATEGORIES)
