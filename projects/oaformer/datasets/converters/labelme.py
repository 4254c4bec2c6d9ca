"""Read what is drawn with labelme, and write it: one JSON file for each image.

``shapes`` are in the order in which they are drawn on the screen, so that a later one
covers an earlier one. Forks such as X-AnyLabeling write the same files.
"""

import base64
import binascii
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

import cv2
import numpy as np

from ...structures import RLE
from ..atomic_write import write_json
from .conversion import image_size, raise_problems, read_json
from .outlines import Outline, OutlinedImage
from .shapes import (
    CUT,
    POLYGON_IOU,
    bitmap_mask,
    box_corners,
    cut_bitmap,
    ellipse_points,
    leaves_image,
    mask_polygons,
    polygon_mask,
    polygons_mask,
    read_points,
    rle_iou,
)

_NO_OUTLINE = ('point', 'points', 'line', 'linestrip')


def read_labelme(
    src: str,
    img_dir: str | None = None,
    front: str = 'last',
) -> list[OutlinedImage]:
    """Read a folder of labelme's files and the folders in it.

    COCO-style annotation files in them, such as earlier results, are passed over.

    Args:
        src: The folder, or one file.
        img_dir: Folder of the images, for those that are not where their file says.
            File names are relative to it, or to ``src`` without it.
        front: Which shape of an image is the nearest, 'last' or 'first'.

    Returns:
        The images, by file.

    Raises:
        ValueError: If there is no file, or something is wrong with files, images or
            shapes; names all of them.
    """
    folder, files = Path(src), [Path(src)]
    if folder.is_dir():
        files = [path for path in sorted(folder.rglob('*.json')) if path.name[0] != '.']
    else:
        folder = folder.parent
    problems: list[str] = []
    images: dict[str, OutlinedImage] = {}
    for file in files:
        try:
            content = read_json(file)
            if isinstance(content, dict) and content.keys() >= {
                'images',
                'annotations',
            }:
                continue
            image = _read_file(file, content, folder, img_dir, front, problems)
        except ValueError as error:
            problems.append(str(error))
            continue
        name = image.entry['file_name']
        if name in images:
            problems.append(f'{file}: {images[name].name} is of the same image, {name}')
        images[name] = image
    raise_problems(problems)
    if not images:
        raise ValueError(f'{src}: no file of labelme is there')
    return list(images.values())


def write_labelme(file: str | os.PathLike, image: OutlinedImage, path: str) -> None:
    """Write an image's outlines for labelme, from back to front.

    An outline becomes one polygon for each of its pieces, all in its group. One whose
    holes matter becomes a shape of the type ``mask``, which labelme has since 5.2.

    Args:
        file: The file.
        image: The image. The ``fields`` of its outlines are further keys of the shapes.
        path: The image's own file, named in ``file`` relative to it.

    Raises:
        OSError: If it can't be written.
    """
    outlines = sorted(image.outlines, key=lambda outline: outline.order)
    relative = os.path.relpath(path, Path(file).parent)
    content = dict(
        version='5.5.0',
        flags={},
        shapes=[shape for outline in outlines for shape in _to_shapes(outline)],
        imagePath=Path(relative).as_posix(),
        imageData=None,
        imageHeight=image.entry['height'],
        imageWidth=image.entry['width'],
    )
    write_json(file, content)


def _to_shapes(outline: Outline) -> list[dict[str, Any]]:
    shape = dict(label=outline.label, group_id=outline.group, flags={})
    shape |= outline.fields
    polygons = mask_polygons(outline.mask)
    size = outline.mask['size']
    if rle_iou(polygons_mask(polygons, *size), outline.mask) >= POLYGON_IOU:
        return [
            shape | dict(shape_type='polygon', points=each.tolist())
            for each in polygons
        ]
    bitmap, top, left = cut_bitmap(outline.mask)
    bottom, right = top + bitmap.shape[0] - 1, left + bitmap.shape[1] - 1
    png = cv2.imencode('.png', bitmap * 255)[1].tobytes()
    return [
        shape
        | dict(
            shape_type='mask',
            points=[[left, top], [right, bottom]],
            mask=base64.b64encode(png).decode(),
        )
    ]


def _read_file(
    file: Path,
    content: Any,
    folder: Path,
    img_dir: str | None,
    front: str,
    problems: list[str],
) -> OutlinedImage:
    content = content if isinstance(content, dict) else {}
    shapes, name = content.get('shapes'), content.get('imagePath')
    if not isinstance(shapes, list) or not isinstance(name, str):
        raise ValueError(
            f'{file} has no "shapes" and "imagePath": it is not a file of labelme'
        )
    path = _find_image(file, folder, img_dir, name)
    sides = content.get('imageHeight'), content.get('imageWidth')
    try:
        height, width = image_size(path, *sides)
    except ValueError as error:
        raise ValueError(f'{file}: {error}') from error
    outlines, left_out = [], Counter()
    for number, shape in enumerate(shapes):
        label = shape.get('label') if isinstance(shape, dict) else None
        what = f'shape {number + 1}' + (f' ({label})' if label else '')
        try:
            outline = _read_shape(shape, what, height, width)
        except ValueError as error:
            problems.append(f'{file}: {what}: {error}')
            continue
        if outline is None:
            left_out[f'of the type {shape["shape_type"]}, not an outline'] += 1
            continue
        outlines.append(outline._replace(order=number if front == 'last' else -number))
    file_name = Path(os.path.relpath(path, img_dir or folder)).as_posix()
    entry = dict(file_name=file_name, height=height, width=width)
    return OutlinedImage(str(file), entry, outlines, left_out)


def _find_image(file: Path, folder: Path, img_dir: str | None, name: str) -> Path:
    """The image of a file; names may have Windows' separators."""
    candidates = [file.parent / name, file.parent / PureWindowsPath(name).as_posix()]
    if img_dir is not None:
        base = PureWindowsPath(name).name
        candidates += [
            Path(img_dir, file.parent.relative_to(folder), base),
            Path(img_dir, base),
        ]
    found = next((path for path in candidates if os.path.isfile(path)), None)
    if found is None:
        raise ValueError(
            f'{file}: its image {name} is not found: name the folder of the images by '
            '--img-dir'
        )
    return found


def _read_shape(shape: Any, what: str, height: int, width: int) -> Outline | None:
    """The outline; None where the shape is not an outline."""
    if not isinstance(shape, dict):
        raise ValueError('it is not an object with keys')
    label, group = shape.get('label'), shape.get('group_id')
    if not isinstance(label, str) or not label.strip():
        raise ValueError('its label is missing')
    if not isinstance(group, (int, str, type(None))):
        raise ValueError(f'its group_id is {group!r}, not a number')
    kind = shape.get('shape_type') or 'polygon'
    if kind in _NO_OUTLINE:
        return None
    if kind == 'mask':
        mask, notes = _read_mask(shape, height, width), ()
    else:
        points = _corners(kind, read_points(shape.get('points')))
        mask = polygon_mask(points, height, width)
        notes = (CUT,) if leaves_image(points, height, width) else ()
    return Outline(what, label.strip(), mask, 0, group, notes=notes)


def _corners(kind: str, points: np.ndarray) -> np.ndarray:
    """Corners of the polygon that a shape is."""
    if kind in ('polygon', 'oriented_rectangle', 'rotation'):
        return points
    if kind == 'rectangle' and len(points) in (2, 4):
        return box_corners(*points.min(axis=0), *points.max(axis=0))
    if kind == 'circle' and len(points) == 2:
        radius = np.linalg.norm(points[1] - points[0])
        return ellipse_points(points[0], (radius, radius))
    if kind in ('rectangle', 'circle'):
        raise ValueError(f'a {kind} has two points, not {len(points)}')
    raise ValueError(f'its type {kind!r} is not known')


def _read_mask(shape: Mapping[str, Any], height: int, width: int) -> RLE:
    """The mask of a shape that holds a bitmap, as PNG in base64, and its place."""
    points = read_points(shape.get('points'))
    try:
        data = base64.b64decode(shape.get('mask') or '', validate=True)
    except (TypeError, ValueError, binascii.Error):
        data = b''
    bitmap = None
    if data:
        bitmap = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if bitmap is None or len(points) != 2:
        raise ValueError('a mask has two points and a "mask", a PNG in base64')
    (left, top), (right, bottom) = points.round().astype(int).tolist()
    size = bottom - top + 1, right - left + 1
    # corners may be rounded apart
    if max(abs(one - other) for one, other in zip(size, bitmap.shape, strict=True)) > 1:
        raise ValueError(
            f'its mask is {bitmap.shape[0]} x {bitmap.shape[1]} (height x width), its '
            f'points are the corners of {size[0]} x {size[1]}'
        )
    return bitmap_mask(bitmap, top, left, height, width)
