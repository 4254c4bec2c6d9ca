"""Files of CVAT's export "CVAT for images 1.1", and their images."""

import cv2
import numpy as np

HEIGHT, WIDTH = 20, 30
META = '<version>1.1</version><meta><task><name>cups</name></task></meta>'
PLATE, CUP = (5, 5, 25, 15), (2, 2, 12, 12)


def polygon(label, box, z_order=0, **attributes):
    x1, y1, x2, y2 = box
    points = f'{x1}.00,{y1}.00;{x2}.00,{y1}.00;{x2}.00,{y2}.00;{x1}.00,{y2}.00'
    return element('polygon', label=label, points=points, z_order=z_order, **attributes)


def mask(label, bitmap, left, top, **attributes):
    """A mask as CVAT writes it: runs along the rows, outside first."""
    flat = np.concatenate([[0], np.asarray(bitmap).ravel()])
    edges = np.flatnonzero(np.diff(flat))
    runs = np.diff(np.concatenate([[0], edges, [len(flat) - 1]])).tolist()
    height, width = np.shape(bitmap)
    place = dict(left=left, top=top, width=width, height=height)
    rle = ', '.join(map(str, runs))
    return element('mask', label=label, rle=rle, **place, **attributes)


def element(kind, **attributes):
    text = ''.join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<{kind} source="manual"{text}></{kind}>'


def image(name, *shapes, **attributes):
    attributes = dict(width=WIDTH, height=HEIGHT) | attributes
    text = ''.join(f' {key}="{value}"' for key, value in attributes.items())
    return f'<image id="0" name="{name}"{text}>{"".join(shapes)}</image>'


def write(path, *images, head='<?xml version="1.0" encoding="utf-8"?>'):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{head}<annotations>{META}{"".join(images)}</annotations>')
    return path


def write_image(path, height=HEIGHT, width=WIDTH):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.zeros((height, width, 3), np.uint8))
