"""Images from files, addresses, folders, videos and arrays."""

import logging
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import PurePath
from typing import NamedTuple
from urllib.parse import unquote, urlparse

import mmcv
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.apis.det_inferencer import IMG_EXTENSIONS
from mmengine.fileio import exists, get_file_backend, isdir, join_path, list_dir_or_file
from mmengine.logging import print_log
from mmengine.structures import InstanceData

from ..datasets import images

VIDEO_EXTENSIONS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')

Input = str | PathLike | np.ndarray


class InputError(ValueError):
    """An input is not an image, a video or a folder of images."""


class Image(NamedTuple):
    """One input image.

    Attributes:
        image: Pixels, BGR, uint8, (H, W, 3).
        path: File or address of the image or video; None for an array.
        frame_id: Number of the frame in its video, from 0; None outside videos.
        fps: Frames per second of its video; 0 where the file does not say.
        prompts: Objects of it to complete; see ``KnownObjects``. None: find all.
    """

    image: np.ndarray
    path: str | None = None
    frame_id: int | None = None
    fps: float = 0
    prompts: InstanceData | None = None

    @property
    def metainfo(self) -> dict:
        """What a data sample keeps of it."""
        if self.frame_id is None:
            return dict(img_path=self.path)
        return dict(img_path=self.path, frame_id=self.frame_id)


class InputList(NamedTuple):
    """Inputs one by one.

    Attributes:
        items: Paths, addresses and arrays.
        folder: The folder whose images these are, if they are not named one by one.
    """

    items: list[str | np.ndarray]
    folder: str | None = None

    def num_images(self) -> int | None:
        """Number of images and frames; None where only reading shows it."""
        videos = [item for item in self.items if is_video(item)]
        counts = [_open_video(path).frame_cnt for path in videos]
        if any(count <= 0 for count in counts):
            return None
        return len(self.items) - len(videos) + sum(counts)


def list_inputs(inputs: Input | Sequence[Input]) -> InputList:
    """List inputs one by one.

    Args:
        inputs: Path, address, folder, array or a sequence of these but folders. Of a
            folder the images are listed, by name, without its subfolders.

    Raises:
        InputError: If a folder has no images, a sequence is empty or an input is
            of another type.
    """
    if isinstance(inputs, (list, tuple)):
        if not inputs:
            raise InputError('the list of inputs is empty')
        return InputList([_checked_item(item) for item in inputs])
    item = _checked_item(inputs)
    if isinstance(item, str) and _is_folder(item):
        return InputList(_images_in(item), folder=item)
    return InputList([item])


def iterate_images(
    inputs: InputList, loader: BaseTransform, skipped: list[dict[str, str]]
) -> Iterator[Image]:
    """Read the images one after the other.

    Args:
        inputs: What to read.
        loader: Transform that reads an image, such as ``LoadImageFromFile``.
        skipped: Gets the images of a folder that can't be read, as
            ``dict(img_path=..., reason=...)``.

    Raises:
        InputError: If an input that was named itself can't be read, or none of
            a folder's images.
        FileNotFoundError: If a file does not exist.
    """
    missing: list[dict[str, str]] = []
    for item in inputs.items:
        if isinstance(item, np.ndarray):
            yield Image(item)
        elif is_video(item):
            yield from _frames(item)
        else:
            try:
                image = read_image(item, loader)
            except (InputError, FileNotFoundError) as error:
                if inputs.folder is None:
                    raise
                print_log(f'Skipped: {error}', logger='current', level=logging.WARNING)
                missing.append(dict(img_path=item, reason=str(error)))
                skipped.append(missing[-1])
                continue
            yield Image(image, item)
    if not missing:
        return
    if len(missing) == len(inputs.items):
        raise InputError(
            f'none of the {len(missing)} images in {inputs.folder} could be read; '
            f'the first: {missing[0]["reason"]}'
        )
    names = ', '.join(entry['img_path'] for entry in missing)
    print_log(
        f'{len(missing)} of {len(inputs.items)} images in {inputs.folder} could not '
        f'be read and were skipped: {names}',
        logger='current',
        level=logging.WARNING,
    )


def read_image(path: str | PathLike, loader: BaseTransform | None = None) -> np.ndarray:
    """Read an image, as :func:`~oaformer.datasets.images.read_image`.

    Raises:
        FileNotFoundError: If the file does not exist.
        InputError: If it can't be read as an image.
    """
    try:
        return images.read_image(path, loader)
    except images.ImageError as error:
        raise InputError(str(error)) from error


def is_video(item: str | np.ndarray) -> bool:
    """Whether an input is a video, by the ending of its name."""
    return isinstance(item, str) and input_name(item).suffix.lower() in VIDEO_EXTENSIONS


def input_name(path: str) -> PurePath:
    """Name of the file that a path or web address ends in."""
    if '://' in path:
        path = unquote(urlparse(path).path)
    return PurePath(PurePath(path).name)


def _checked_item(item: Input) -> str | np.ndarray:
    if isinstance(item, (str, PathLike)):
        return str(item)
    if not isinstance(item, np.ndarray):
        raise InputError(
            'an input must be a path, a web address or a numpy array, not '
            f'{type(item).__name__}'
        )
    if item.dtype != np.uint8 or item.ndim != 3 or item.shape[2] != 3 or not item.size:
        raise InputError(
            'an array must be an image of shape (H, W, 3), BGR, uint8, not '
            f'{item.shape} of {item.dtype}'
        )
    return item


def _is_folder(path: str) -> bool:
    # the backend of web addresses knows no folders
    return hasattr(get_file_backend(path), 'isdir') and isdir(path)


def _images_in(folder: str) -> list[str]:
    names = sorted(list_dir_or_file(folder, list_dir=False))
    images = [name for name in names if name.lower().endswith(IMG_EXTENSIONS)]
    if not images:
        raise InputError(
            f'{folder} has no images: none of its {len(names)} files ends in '
            f'{", ".join(IMG_EXTENSIONS)}'
        )
    others = [name for name in names if name not in set(images)]
    if others:
        shown = ', '.join(others[:5]) + (', ...' if len(others) > 5 else '')
        print_log(
            f'{folder}: {len(others)} files that are not images are left out: {shown}',
            logger='current',
        )
    return [join_path(folder, name) for name in images]


def _open_video(path: str) -> mmcv.VideoReader:
    if '://' not in path and not exists(path):
        raise FileNotFoundError(f'Video not found: {path}')
    reader = mmcv.VideoReader(path)
    if not reader.opened:
        raise InputError(f'{path} could not be read as a video')
    return reader


def _frames(path: str) -> Iterator[Image]:
    frame_id = -1
    with _open_video(path) as reader:
        fps, num_frames = reader.fps, reader.frame_cnt
        for frame_id, image in enumerate(reader):
            yield Image(image, path, frame_id, fps)
    if frame_id < 0:
        raise InputError(f'{path} could not be read as a video: it has no frames')
    if frame_id + 1 < num_frames:
        print_log(
            f'{path} ends early: {frame_id + 1} of {num_frames} frames could be read.',
            logger='current',
            level=logging.WARNING,
        )
