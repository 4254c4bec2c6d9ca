"""Folders of labelme's files: a cup before a plate, or drawn parts.

As a command, ``python tests/labelme_folder.py FOLDER`` makes what docs/your_data.md is
walked through with: 20 labelled images of parts, and 5 without labels.
"""

import base64
import json
import sys
from pathlib import Path

import cv2
import numpy as np

from oaformer.datasets.synth_amodal import CLASSES, draw_scene

# what the shapes of SynthAmodal are called here
PARTS = dict(zip(CLASSES, ('plate', 'box', 'wedge', 'gear', 'washer'), strict=True))
HEIGHT, WIDTH = 20, 30
PLATE = [[5, 5], [25, 5], [25, 15], [5, 15]]
CUP = [[2, 2], [12, 2], [12, 12], [2, 12]]


def shape(label, points, shape_type='polygon', **fields):
    base = dict(label=label, points=points, group_id=None, shape_type=shape_type)
    return base | dict(flags={}) | fields


def bitmap(mask):
    """What labelme writes of a mask."""
    data = cv2.imencode('.png', np.asarray(mask, np.uint8) * 255)[1]
    return base64.b64encode(data.tobytes()).decode()


def write(folder, name, shapes, suffix='.png', **fields):
    """An image and its file; ``fields`` replace keys of the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / f'{name}{suffix}'), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    content = dict(version='5.5.0', flags={}, shapes=shapes, imageData=None)
    content |= dict(imagePath=f'{name}{suffix}', imageHeight=HEIGHT, imageWidth=WIDTH)
    path = folder / f'{name}.json'
    path.write_text(json.dumps(content | fields))
    return path


def pair():
    return [shape('plate', PLATE), shape('cup', CUP)]


def parts_scenes(number, seed=0):
    """Scenes of parts, 160 x 160, with exact whole and visible masks."""
    rng = np.random.default_rng(seed)
    return [draw_scene(rng, size=160) for _ in range(number)]


def part_label(item):
    return PARTS[CLASSES[item.fields['category_id'] - 1]]


def border(mask):
    """Corners of the polygon along the edges of a mask's pixels, exactly around it."""
    twice = mask.repeat(2, axis=0).repeat(2, axis=1)
    (contour,), _ = cv2.findContours(twice, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return ((contour[:, 0] + 1) // 2).tolist()


def parts_shapes(scene):
    """The scene's whole outlines, the nearest last; those with a hole as bitmaps."""
    shapes = []
    for item in reversed(scene.objects):
        label = part_label(item)
        if label != 'washer':
            shapes.append(shape(label, border(item.amodal)))
            continue
        left, top, width, height = cv2.boundingRect(item.amodal)
        cut = item.amodal[top : top + height, left : left + width]
        corners = [[left, top], [left + width - 1, top + height - 1]]
        shapes.append(shape(label, corners, 'mask', mask=bitmap(cut)))
    return shapes


def write_parts(folder):
    """20 labelled images in ``batch1``, 5 without labels in ``batch2``."""
    folder = Path(folder)
    for number, scene in enumerate(parts_scenes(25)):
        batch = folder / ('batch1' if number < 20 else 'batch2')
        name = f'{number:02d}'
        height, width = scene.image.shape[:2]
        size = dict(imageHeight=height, imageWidth=width)
        file = write(batch, name, parts_shapes(scene), **size)
        cv2.imwrite(str(file.with_suffix('.png')), scene.image)
        if number >= 20:
            file.unlink()


if __name__ == '__main__':
    write_parts(*sys.argv[1:])
