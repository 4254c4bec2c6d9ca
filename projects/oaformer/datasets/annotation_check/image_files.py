"""Image files: where they are, and how large."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

EXIF_ORIENTATION = 0x0112
TURNED = (5, 6, 7, 8)
"""EXIF orientations by a quarter turn, which exchange height and width."""


class ImageFile(NamedTuple):
    """What is known of an image's file.

    Attributes:
        path: Where it should be.
        size: (height, width) in pixels as the loader sees it; None if it can't be read.
        error: Why it can't be read; None if it can.
    """

    path: str
    size: tuple[int, int] | None
    error: str | None = None


def read_image_files(
    file_names: Iterable[str], img_dir: str | os.PathLike
) -> dict[str, ImageFile]:
    """Look at the headers of image files.

    Args:
        file_names: Names in the annotation file.
        img_dir: Folder that they are relative to.

    Returns:
        What is known of each, by name.
    """
    return {
        name: _read_header(Path(img_dir, name)) for name in dict.fromkeys(file_names)
    }


def find_img_dir(ann_file: str | os.PathLike, file_names: Iterable[str]) -> Path | None:
    """Find the folder of the images beside an annotation file.

    Looked at are the file's folder, the one above if the file lies in a folder of
    annotations, and the folders in both, two deep.

    Args:
        ann_file: Path of the annotation file.
        file_names: Names of images in it.

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
        for candidate in [
            root,
            *inside,
            *(sub for each in inside for sub in _folders(each)),
        ]:
            if any((candidate / name).is_file() for name in names):
                return candidate
    return None


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except OSError:
        return []


def _read_header(path: Path) -> ImageFile:
    try:
        with Image.open(path) as image:
            width, height = image.size
            # As OpenCV does when the loader decodes it; only here is it in the header.
            if image.format in ('JPEG', 'MPO') and (
                image.getexif().get(EXIF_ORIENTATION) in TURNED
            ):
                height, width = width, height
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ImageFile(str(path), None, f'{path} not found')
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        return ImageFile(str(path), None, f'{path} cannot be read: {error}')
    return ImageFile(str(path), (height, width))
