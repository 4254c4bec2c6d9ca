"""A folder of labelme's files: images with a cup before a plate."""

import base64
import json

import cv2
import numpy as np

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
