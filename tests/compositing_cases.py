"""Shapes and small data sets for the tests of composed images."""

import json

import cv2
import numpy as np

from oaformer.structures import encode_masks


def random_shape(rng, height=60, width=80):
    """A random convex or star-like mask within an image, (height, width) uint8."""
    mask = np.zeros((height, width), np.uint8)
    radii = rng.uniform(0.4, 1.0, 9) * rng.uniform(0.12, 0.28) * min(height, width)
    angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
    centre = rng.uniform(0.3, 0.7, 2) * (width, height)
    points = centre + radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1)
    return mask


def one_hot_image(channel, mask, channels):
    """An image that is ``channel`` where ``mask`` is, and channel 1 outside."""
    image = np.zeros((*mask.shape, channels), np.float32)
    image[..., 1] = 1 - mask
    image[..., channel] = mask
    return image


def write_data_set(folder, occlusion, number=3, size=(60, 80), objects=3):
    """Images of rectangles apart from each other, and their annotation file.

    Args:
        folder: Where ``source.json`` and the images go.
        occlusion: Whether to annotate that the first object of each image is hidden
            by a quarter.
    """
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for image_id in range(1, number + 1):
        image = rng.integers(0, 90, (*size, 3), dtype=np.uint8)
        for index in range(objects):
            left = 4 + index * (size[1] - 4) // objects
            mask = np.zeros(size, np.uint8)
            mask[10:26, left : left + 18] = 1
            image[mask > 0] = rng.integers(120, 255, 3)
            annotation = dict(
                id=len(annotations) + 11,
                image_id=image_id,
                category_id=1 + index % 2,
                bbox=[float(side) for side in cv2.boundingRect(mask)],
                area=float(mask.sum()),
                iscrowd=0,
                segmentation=encode_masks(mask[None])[0],
            )
            if occlusion:
                visible = mask.copy()
                visible[10 : 14 if index == 0 else 10] = 0
                annotation['visible_mask'] = encode_masks(visible[None])[0]
                annotation['occlude_rate'] = 1 - visible.sum() / mask.sum()
                annotation['occl_depth'] = objects - 1 - index
            annotations.append(annotation)
        name = f'{image_id}.png'
        cv2.imwrite(str(folder / name), image)
        images.append(dict(id=image_id, file_name=name, height=size[0], width=size[1]))
    content = dict(
        images=images,
        annotations=annotations,
        categories=[dict(id=1, name='cup'), dict(id=2, name='plate')],
    )
    path = folder / 'source.json'
    path.write_text(json.dumps(content))
    return path
