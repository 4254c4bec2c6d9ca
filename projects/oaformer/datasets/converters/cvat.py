"""Read what is drawn with CVAT, and write it: XML, "CVAT for images 1.1".

A shape with a greater ``z_order`` covers one with a lower one. Shapes are drawn with
equal ones unless the layer is raised, or a shape sent to foreground or background. The
format: https://docs.cvat.ai/docs/other/xml_format.
"""

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from ...structures import RLE
from ..atomic_write import atomic_path
from .conversion import image_size, raise_problems
from .outlines import Outline, OutlinedImage
from .shapes import (
    CUT,
    bitmap_mask,
    box_corners,
    cut_bitmap,
    ellipse_points,
    leaves_image,
    polygon_mask,
    read_points,
)

_NO_OUTLINE = ('points', 'polyline', 'cuboid', 'skeleton', 'tag')


def read_cvat(src: str, img_dir: str | None = None) -> list[OutlinedImage]:
    """Read an XML file, or all in a folder.

    Args:
        src: The file or the folder.
        img_dir: Folder of the images, or of a folder of images for each subset. None:
            ``images`` beside the XML files, as CVAT writes it, or where they are.

    Returns:
        The images. Their subsets are those of the files or, where these name none and
        are several, the names of the files.

    Raises:
        ValueError: If there is no file, or something is wrong with files, images or
            shapes; names all of them.
    """
    files = [Path(src)]
    if Path(src).is_dir():
        files = sorted(Path(src).glob('*.xml'))
        if not files:
            raise ValueError(f'{src}: no XML file is in this folder')
    if img_dir is None:
        img_dir = find_cvat_images(src)
    problems: list[str] = []
    images: dict[str, OutlinedImage] = {}
    for file in files:
        try:
            root = _parse(file)
        except ValueError as error:
            problems.append(str(error))
            continue
        for element in root.iter('image'):
            what = f'{file}: image {element.get("name")}'
            try:
                image = _read_image(element, file, Path(img_dir), problems)
            except ValueError as error:
                problems.append(f'{what}: {error}')
                continue
            if image.subset is None and len(files) > 1:
                image = image._replace(subset=file.stem)
            name = image.entry['file_name']
            if name in images:
                problems.append(f'{what} is also in {images[name].name}')
            images[name] = image
    raise_problems(problems)
    return list(images.values())


def write_cvat(file: str | os.PathLike, images: Sequence[OutlinedImage]) -> None:
    """Write outlines for CVAT's import "CVAT 1.1", as masks.

    Args:
        file: The file.
        images: The images. Orders and groups are whole numbers, groups from 1 on.

    Raises:
        OSError: If it can't be written.
    """
    root = ElementTree.Element('annotations')
    ElementTree.SubElement(root, 'version').text = '1.1'
    task = ElementTree.SubElement(ElementTree.SubElement(root, 'meta'), 'task')
    ElementTree.SubElement(task, 'mode').text = 'annotation'
    labels = ElementTree.SubElement(task, 'labels')
    for name in sorted({each.label for image in images for each in image.outlines}):
        label = ElementTree.SubElement(labels, 'label')
        ElementTree.SubElement(label, 'name').text = name
        ElementTree.SubElement(label, 'attributes')
    for number, image in enumerate(images):
        entry = dict(id=number, name=image.entry['file_name'])
        entry |= {side: image.entry[side] for side in ('width', 'height')}
        element = ElementTree.SubElement(root, 'image', _texts(entry))
        for outline in image.outlines:
            ElementTree.SubElement(element, 'mask', _texts(_mask_fields(outline)))
    ElementTree.indent(root)
    with atomic_path(file) as part:
        ElementTree.ElementTree(root).write(
            part, encoding='utf-8', xml_declaration=True
        )


def _mask_fields(outline: Outline) -> dict[str, Any]:
    bitmap, top, left = cut_bitmap(outline.mask)
    # along the rows; the first run is outside
    edges = np.flatnonzero(np.diff(bitmap.ravel(), prepend=0))
    runs = np.diff(edges, prepend=0, append=bitmap.size).tolist()
    group = {} if outline.group is None else dict(group_id=outline.group)
    return dict(
        label=outline.label,
        source='file',
        occluded=int(outline.is_marked),
        rle=', '.join(map(str, runs)),
        left=left,
        top=top,
        width=bitmap.shape[1],
        height=bitmap.shape[0],
        z_order=outline.order,
        **group,
    )


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in fields.items()}


def find_cvat_images(src: str) -> str:
    """Folder where CVAT writes the images of a file or of the files in a folder."""
    folder = Path(src) if Path(src).is_dir() else Path(src).parent
    images = folder / 'images'
    return str(images if images.is_dir() else folder)


class _NoDoctype(ElementTree.TreeBuilder):
    """Refuses a document type: its entities could grow to any size."""

    def doctype(self, *_: object) -> None:
        raise ValueError('it has a document type (DOCTYPE), as CVAT never writes')


def _parse(file: Path) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_NoDoctype())
    try:
        root = ElementTree.parse(file, parser).getroot()
    except (OSError, ValueError, LookupError, ElementTree.ParseError) as error:
        raise ValueError(f'cannot read {file}: {error}') from error
    if root.tag != 'annotations' or root.find('track') is not None:
        raise ValueError(
            f'{file} is not of the format "CVAT for images 1.1": export that one'
        )
    return root


def _read_image(
    element: ElementTree.Element, file: Path, img_dir: Path, problems: list[str]
) -> OutlinedImage:
    name, subset = element.get('name'), element.get('subset') or None
    if not name:
        raise ValueError('its name is missing')
    paths = [img_dir / name]
    if subset is not None:
        paths.insert(0, img_dir / subset / name)
    path = next((each for each in paths if os.path.isfile(each)), paths[0])
    height, width = image_size(
        path, _whole(element, 'height'), _whole(element, 'width')
    )
    outlines, left_out = [], Counter()
    for number, shape in enumerate(element, start=1):
        label = shape.get('label')
        if shape.tag in _NO_OUTLINE:
            left_out[f'of the type {shape.tag}, not an outline'] += 1
            continue
        what = f'shape {number} ({label or shape.tag})'
        try:
            outlines.append(_read_shape(shape, what, height, width))
        except ValueError as error:
            problems.append(f'{file}: image {name}: {what}: {error}')
    file_name = path.relative_to(img_dir).as_posix()
    entry = dict(file_name=file_name, height=height, width=width)
    return OutlinedImage(str(file), entry, outlines, left_out, subset)


def _read_shape(
    shape: ElementTree.Element, name: str, height: int, width: int
) -> Outline:
    label = (shape.get('label') or '').strip()
    if not label:
        raise ValueError('its label is missing')
    if shape.tag == 'mask':
        mask, notes = _read_mask(shape, height, width)
    elif shape.tag in _CORNERS:
        points = _CORNERS[shape.tag](shape)
        mask = polygon_mask(points, height, width)
        notes = (CUT,) if leaves_image(points, height, width) else ()
    else:
        raise ValueError(f'its type {shape.tag!r} is not known')
    group = shape.get('group_id', '0')
    return Outline(
        name,
        label,
        mask,
        _whole(shape, 'z_order', 0),
        None if group == '0' else group,
        shape.get('occluded') == '1',
        notes,
    )


def _read_polygon(shape: ElementTree.Element) -> np.ndarray:
    try:
        points = [
            [float(number) for number in point.split(',')]
            for point in shape.get('points', '').split(';')
        ]
    except ValueError as error:
        raise ValueError(f'its points are not pairs of numbers: {error}') from error
    return read_points(points)


def _read_box(shape: ElementTree.Element) -> np.ndarray:
    sides = (_number(shape, key) for key in ('xtl', 'ytl', 'xbr', 'ybr'))
    return box_corners(*sides, _number(shape, 'rotation', 0))


def _read_ellipse(shape: ElementTree.Element) -> np.ndarray:
    centre, radii = (
        [_number(shape, f'{kind}{axis}') for axis in 'xy'] for kind in 'cr'
    )
    return ellipse_points(centre, radii, _number(shape, 'rotation', 0))


_CORNERS = dict(polygon=_read_polygon, box=_read_box, ellipse=_read_ellipse)


def _read_mask(
    shape: ElementTree.Element, height: int, width: int
) -> tuple[RLE, tuple[str, ...]]:
    """The mask of runs along the rows of a box, outside and inside in turn."""
    left, top, columns, rows = (
        _whole(shape, key) for key in ('left', 'top', 'width', 'height')
    )
    try:
        runs = [int(run) for run in shape.get('rle', '').split(',')]
    except ValueError as error:
        raise ValueError(f'its rle is not made of whole numbers: {error}') from error
    if min(runs) < 0 or sum(runs) != rows * columns or min(rows, columns) < 1:
        raise ValueError(
            f'its rle has {sum(runs)} pixels, its box is {rows} x {columns} (height x '
            'width)'
        )
    if rows > 2 * height or columns > 2 * width:
        raise ValueError(f'its box is {rows} x {columns}, its image {height} x {width}')
    inside = np.repeat(np.arange(len(runs)) % 2, runs).reshape(rows, columns)
    corners = box_corners(left, top, left + columns, top + rows)
    notes = (CUT,) if leaves_image(corners, height, width) else ()
    return bitmap_mask(inside, top, left, height, width), notes


def _number(
    element: ElementTree.Element,
    key: str,
    default: float | None = None,
    kind: Callable[[str], float] = float,
) -> float:
    """The number ``key``; an error where it is missing and there is no default."""
    text = element.get(key)
    if text is None and default is not None:
        return default
    try:
        return kind(text)
    except (TypeError, ValueError):
        raise ValueError(f'its {key} is {text!r}, not a number') from None


def _whole(element: ElementTree.Element, key: str, default: int | None = None) -> int:
    return _number(element, key, default, int)
