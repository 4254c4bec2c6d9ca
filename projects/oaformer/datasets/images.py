"""Reading of images."""

import os.path as osp
import unicodedata
from os import PathLike
from urllib.parse import unquote

import numpy as np
from mmcv.transforms import BaseTransform, LoadImageFromFile
from mmengine.fileio import exists


class ImageError(ValueError):
    """A file cannot be read as the image that it should be."""


def read_image(path: str | PathLike, loader: BaseTransform | None = None) -> np.ndarray:
    """Read an image.

    Args:
        path: File or web address.
        loader: Transform that reads it. None takes MMCV's ``LoadImageFromFile``.

    Returns:
        Pixels, BGR, (H, W, 3), uint8 unless the loader converts them.

    Raises:
        FileNotFoundError: If the file does not exist.
        ImageError: If it can't be read as an image.
    """
    path = str(path)
    if '://' not in path and not exists(path):
        raise FileNotFoundError(f'Image not found: {path}{name_hint(path)}')
    try:
        results = (loader or LoadImageFromFile()).transform(dict(img_path=path))
    # Backends and decoders have errors of their own, OpenCV one for empty files.
    except Exception as error:
        raise ImageError(f'{path} could not be read as an image ({error})') from error
    if results is None:
        raise ImageError(f'{path} could not be read as an image')
    return results['img']


def name_hint(path: str | PathLike) -> str:
    """What a file that is not found is called instead, for the end of a message.

    Names change on the way from other systems: Windows parts folders by backslashes,
    macOS takes accents apart, web addresses encode characters as %20.

    Returns:
        The hint; '' where no file of such another name is found.
    """
    path = str(path)
    slashes = path.replace('\\', '/')
    forms = (unicodedata.normalize(form, slashes) for form in ('NFC', 'NFD'))
    for other in (slashes, *forms, unquote(slashes), slashes.strip()):
        if other != path and osp.isfile(other):
            return (
                f'; {other!a} is there: write the file_name as it is on disk, and '
                'folders with /'
            )
    return ''
