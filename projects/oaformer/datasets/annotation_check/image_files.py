"""Image files: where they are, and how large."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from PIL import Image, UnidentifiedImageError

from ..images import name_hint, read_image

# EXIF orientations by a quarter turn exchange height and width.
_EXIF_ORIENTATION, _QUARTER_TURNS = 0x0112, (5, 6, 7, 8)


class ImageFile(NamedTuple):
    """What is known of an image's file.

    Attributes:
        size: (height, width) in pixels as the loader sees it; None if it can't be read.
        error: Why it can't be read; None if it can.
        is_deep: Whether it has more than 8 bits per channel.
    """

    size: tuple[int, int] | None
    error: str | None = None
    is_deep: bool = False


def read_image_files(
    file_names: Iterable[str], img_dir: str | os.PathLike
) -> dict[str, ImageFile]:
    """Read the headers of image files, by their names relative to ``img_dir``."""
    return {
        name: _read_header(Path(img_dir, name)) for name in dict.fromkeys(file_names)
    }


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


def _read_header(path: Path) -> ImageFile:
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(_EXIF_ORIENTATION) in _QUARTER_TURNS
            mode = image.mode
        # whether OpenCV turns it depends on the format
        if turned:
            height, width = read_image(path).shape[:2]
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ImageFile(None, f'{path} not found{name_hint(path)}')
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        return ImageFile(None, f'{path} cannot be read: {error}')
    return ImageFile((height, width), is_deep=mode[:1] in 'IF')
