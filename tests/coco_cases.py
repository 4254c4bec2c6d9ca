"""Random objects and detections, and pycocotools' own evaluation of them."""

import contextlib
import io

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from oaformer.structures import encode_masks, rle_area

SIZE = 160
CATEGORIES = [2, 5, 7, 11]


def box_rles(rng, number, longest):
    masks = np.zeros((number, SIZE, SIZE), np.uint8)
    for mask in masks:
        left, top = rng.integers(0, SIZE - 4, 2)
        width, height = rng.integers(2, longest, 2)
        mask[top : top + height, left : left + width] = 1
    return masks, encode_masks(masks)


def box_item(item_id, left, top, right, bottom, category_id=1, iscrowd=0, **fields):
    """A box of the image 1."""
    mask = np.zeros((1, 40, 40), np.uint8)
    mask[0, top:bottom, left:right] = 1
    rle = encode_masks(mask)[0]
    return dict(
        id=item_id,
        image_id=1,
        category_id=category_id,
        segmentation=rle,
        bbox=[left, top, right - left, bottom - top],
        area=rle_area(rle),
        iscrowd=iscrowd,
        **fields,
    )


def random_case(seed):
    """Objects and detections with ties of scores and overlaps, crowds, empty images.

    No object is of the last category; one image has neither objects nor detections,
    one no objects, one no detections. Occlusion rates lie on the borders of buckets and
    between them.
    """
    rng = np.random.default_rng(seed)
    objects, detections = [], []

    def add(items, rle, image_id, category_id, **fields):
        items.append(
            dict(
                id=len(items) + 1,
                image_id=image_id,
                category_id=int(category_id),
                segmentation=rle,
                area=rle_area(rle),
                occlusion_rate=random_rate(len(items)),
                **fields,
            )
        )

    def detect(rle, image_id, category_id):
        score = round(float(rng.random()), 1)
        add(detections, rle, image_id, category_id, score=score)

    images = [
        dict(id=int(image_id), height=SIZE, width=SIZE)
        for image_id in rng.permutation(100)[:12]
    ]
    for index, image in enumerate(images):
        if index == 0:
            continue
        if index != 1:
            for mask, rle in zip(*box_rles(rng, 8, 120), strict=True):
                category_id = rng.choice(CATEGORIES[:-1])
                crowd = int(rng.random() < 0.1)
                add(objects, rle, image['id'], category_id, iscrowd=crowd)
                if index == 2 or rng.random() > 0.8:
                    continue
                for shift in rng.integers(0, 8, rng.integers(1, 4)):
                    moved = encode_masks(np.roll(mask, shift, axis=1)[None])[0]
                    detect(moved, image['id'], category_id)
        if index != 2:
            for rle in box_rles(rng, 10, 60)[1]:
                detect(rle, image['id'], rng.choice(CATEGORIES))
    return objects, detections, images


def random_rate(number):
    borders = (0, 1e-5, 2e-5, 0.15, 0.25, 0.25000001, 0.4, 1)
    rng = np.random.default_rng(number)
    return float(rng.choice(borders) if rng.random() < 0.5 else rng.random())


def plain_evaluation(objects, detections, images, category_ids, max_dets, areas=None):
    """pycocotools' evaluation, with its record of every match.

    Returns:
        The engine, ids (detection, object) of the matches at IoU 0.5, and ids of the
        detections that are neither matched nor ignored.
    """

    def coco(annotations):
        result = COCO()
        result.dataset = dict(
            images=images,
            annotations=[dict(annotation) for annotation in annotations],
            categories=[dict(id=category_id) for category_id in category_ids],
        )
        result.createIndex()
        return result

    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(coco(objects), coco(detections), 'segm')
        evaluation.params.imgIds = [image['id'] for image in images]
        evaluation.params.catIds = list(category_ids)
        evaluation.params.maxDets = list(max_dets)
        if areas is not None:
            evaluation.params.areaRng = [list(limits) for limits in areas.values()]
            evaluation.params.areaRngLbl = list(areas)
        evaluation.evaluate()
        evaluation.accumulate()
    matches, false_positives = set(), set()
    for image in evaluation.evalImgs:
        if image is None or image['aRng'] != evaluation.params.areaRng[0]:
            continue
        for detection, matched, ignored in zip(
            image['dtIds'], image['dtMatches'][0], image['dtIgnore'][0], strict=True
        ):
            if matched and not ignored:
                matches.add((detection, int(matched)))
            elif not ignored:
                false_positives.add(detection)
    return evaluation, matches, false_positives
