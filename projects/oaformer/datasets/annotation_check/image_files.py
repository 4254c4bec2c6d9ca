"""Image files: where they are, and how large."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmcv.transforms import LoadImageFromFile
from PIL import Image

from ..images import ImageError, read_image

# 2 to 4 mirror or half turn, 5 to 8 also exchange height and width.
_EXIF_ORIENTATION, _TURNS = 0x0112, range(2, 9)
_AS_STORED = LoadImageFromFile(color_type='color_ignore_orientation')
_END_OF_JPEG = b'\xff\xd9'


class ImageFile(NamedTuple):
    """What is known of an image's file.

    Attributes:
        size: (height, width) in pixels as the loader sees it; None if it can't be read.
        error: Why it can't be read; None if it can.
        warnings: Kind and message of what else is odd about it.
    """

    size: tuple[int, int] | None
    error: str | None = None
    warnings: tuple[tuple[str, str], ...] = ()


def read_image_files(
    file_names: Iterable[str], img_dir: str | os.PathLike
) -> dict[str, ImageFile]:
    """Look at image files as the loader would, by their names in ``img_dir``."""
    return {name: _read_file(Path(img_dir, name)) for name in dict.fromkeys(file_names)}


def find_img_dir(ann_file: str | os.PathLike, file_names: Iterable[str]) -> Path | None:
    """Find the folder of the images beside an annotation file.

    Looked at are the file's folder, the one above if the file lies in a folder of
    annotations, and the folders in both, two deep.

    Returns:
        The first folder that has one of the first hundred images, None without one.
    """
    names = list(file_names)[:100]
    folder = Path(ann_file).absolute().parent
    roots = [folder]
    if 'annotation' in folder.name.lower():
        roots.append(folder.parent)
    for root in roots:
        inside = _folders(root)
        deeper = [folder for each in inside for folder in _folders(each)]
        for candidate in [root, *inside, *deeper]:
            # unlike Path.is_file, which raises for a name that is too long
            if any(os.path.isfile(candidate / name) for name in names):
                return candidate
    return None


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except OSError:
        return []


def _read_file(path: Path) -> ImageFile:
    """What the loader makes of a file.

    Only the header of a JPEG that is whole and not turned is trusted. What else OpenCV
    reads, turns or cuts to 8 bits differs from Pillow by format, so that is decoded.
    """
    orientation, is_tiff, is_deep = 1, False, False
    # what Pillow does not open, the loader may, and the other way round
    with suppress(Exception), Image.open(path) as image:
        # decodes a PNG as a whole
        if image.format != 'PNG' or b'eXIf' in path.read_bytes():
            orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
        is_tiff = image.format == 'TIFF'
        is_plain = image.format == 'JPEG' and orientation not in _TURNS
        if is_plain and _last_bytes(path, len(_END_OF_JPEG)) == _END_OF_JPEG:
            return ImageFile((image.height, image.width))
        # 'RGB;16B' in the tiles of an image whose mode is RGB
        is_deep = image.mode[0] in 'IF' or any(
            ';16' in str(tile.args) for tile in image.tile
        )
    try:
        pixels = read_image(path)
        warnings = []
        if orientation in _TURNS:
            # OpenCV turns a TIFF even when told not to
            is_turned = is_tiff or not np.array_equal(
                pixels, read_image(path, _AS_STORED)
            )
            warnings.append(('turned_image', _turned(orientation, is_turned)))
    except (FileNotFoundError, ImageError) as error:
        return ImageFile(None, str(error))
    if is_deep:
        message = (
            'more than 8 bits per channel: the loader keeps the upper 8, and the '
            f'brightest value is then {pixels.max()} of 255'
        )
        warnings.append(('deep_image', message))
    return ImageFile(pixels.shape[:2], warnings=tuple(warnings))


def _last_bytes(path: Path, number: int) -> bytes:
    with open(path, 'rb') as file:
        file.seek(-number, os.SEEK_END)
        return file.read()


def _turned(orientation: int, is_turned: bool) -> str:
    text = f'EXIF orientation {orientation}: the loader '
    if is_turned:
        return text + 'turns the image, so masks must be drawn on the turned one'
    return text + (
        'reads the image as it is stored, so masks must be drawn on that, which other '
        'programs may turn'
    )
