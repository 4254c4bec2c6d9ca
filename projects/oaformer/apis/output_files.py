"""The files that drawings and predictions go to."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import mmcv
import numpy as np
from mmengine.fileio import put_text

from ..datasets.atomic_write import check_folder, find_overwritten
from .inputs import Image, InputError, input_name, is_video
from .pre_annotations import PreAnnotations

# Formats that OpenCV writes; drawings of other images are JPEG.
DRAWN_EXTENSIONS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
# Frames per second of videos without a frame rate.
DEFAULT_FPS = 25.0


class OutputNames:
    """Names of output files, one for each input and no two alike."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._used: set[str] = set()
        self._num_arrays = 0

    def name(self, path: str | None) -> str:
        """Name for an image or video, without folder and ending.

        Args:
            path: Its file or address; None for an array, which gets a number.

        Returns:
            The file's own name, with a number where an earlier one of another folder
            or ending has it already.
        """
        if path in self._names:
            return self._names[path]
        if path is None:
            stem = f'{self._num_arrays:08d}'
            self._num_arrays += 1
        else:
            stem = input_name(path).stem or 'image'
        name, number = stem, 0
        while name in self._used:
            number += 1
            name = f'{stem}_{number}'
        self._used.add(name)
        if path is not None:
            self._names[path] = name
        return name

    def __contains__(self, path: str) -> bool:
        """Whether a path has its name already."""
        return path in self._names

    def forget(self, path: str) -> None:
        """Give a path's name free again."""
        self._used.discard(self._names.pop(path))


class ResultWriter:
    """Writes ``vis/`` and ``preds/``; a video's frames go to a video and a folder.

    Args:
        out_dir: Folder of both.
        names: Names of the files.
        export: Pre-annotations to write as well.
    """

    def __init__(
        self, out_dir: str, names: OutputNames, export: PreAnnotations | None = None
    ) -> None:
        self.out_dir = Path(out_dir).expanduser()
        self.names = names
        self.export = export
        self._video: cv2.VideoWriter | None = None
        self._last: tuple[Image, str] | None = None

    def __enter__(self) -> 'ResultWriter':
        return self

    def __exit__(self, *error: object) -> None:
        self._close_video()

    def plan(
        self, inputs: Sequence[str | np.ndarray], drawings: bool, predictions: bool
    ) -> None:
        """Give every input its name, and refuse outputs that would overwrite one.

        Args:
            inputs: Paths, addresses and arrays.
            drawings: Whether drawings will be written.
            predictions: Whether predictions will be written.

        Raises:
            InputError: If an output is one of the inputs, or an input can't be
                exported.
            OSError: If the folders can't be written to.
        """
        outputs: list[Path] = []
        paths = [path for path in inputs if isinstance(path, str)]
        new = dict.fromkeys(path for path in paths if path not in self.names)
        for path in paths:
            name = self.names.name(path)
            if drawings:
                outputs.append(self._drawing_file(path, name, is_video(path)))
            if predictions and not is_video(path):
                outputs.append(self._prediction_file(name))
        wanted = dict(vis=drawings, preds=predictions)
        folders = [self.out_dir / name for name in wanted if wanted[name]]
        try:
            found = find_overwritten(outputs, paths)
            if found is not None:
                raise InputError(
                    f'{found[0]} would overwrite the input {found[1]}: name another '
                    'folder for the outputs'
                )
            if self.export is not None:
                folders.append(self.export.plan(inputs, self.names.name))
        except InputError:
            for path in new:
                self.names.forget(path)
            raise
        for folder in folders:
            check_folder(folder, str(folder))

    def write_drawing(self, image: Image, drawing: np.ndarray) -> None:
        """Write a drawn image, or one more frame of a drawn video.

        Args:
            image: The image.
            drawing: Its drawing, RGB, uint8, (h, w, 3).

        Raises:
            OSError: If it can't be written.
        """
        drawing = np.ascontiguousarray(drawing[..., ::-1])
        name = self._name(image)
        if image.frame_id is not None:
            if image.frame_id == 0:
                self._close_video()
                self._video = self._open_video(image, name, drawing.shape)
            self._video.write(drawing)
            return
        file = self._drawing_file(image.path, name)
        if not mmcv.imwrite(drawing, str(file)):
            raise OSError(f'{file} could not be written.')

    def write_prediction(self, image: Image, prediction: dict[str, Any]) -> None:
        """Write an image's result of :func:`prediction_to_dict` as JSON."""
        name = self._name(image)
        if image.frame_id is not None:
            name = f'{name}/{image.frame_id:06d}'
        put_text(json.dumps(prediction), str(self._prediction_file(name)))

    def write_export(self, image: Image, prediction: dict[str, Any]) -> None:
        """Add the same result to the pre-annotations."""
        self.export.add(prediction, self._name(image))

    def _drawing_file(self, path: str | None, name: str, video: bool = False) -> Path:
        suffix = input_name(path).suffix.lower() if path else '.jpg'
        if video:
            suffix = '.avi' if suffix == '.avi' else '.mp4'
        elif suffix not in DRAWN_EXTENSIONS:
            suffix = '.jpg'
        return self.out_dir / 'vis' / f'{name}{suffix}'

    def _prediction_file(self, name: str) -> Path:
        # Not with_suffix: a name may have dots.
        return self.out_dir / 'preds' / f'{name}.json'

    def _name(self, image: Image) -> str:
        """The same name for an image's drawing and its prediction."""
        if self._last is None or self._last[0] is not image:
            self._last = image, self.names.name(image.path)
        return self._last[1]

    def _open_video(
        self, image: Image, name: str, shape: tuple[int, ...]
    ) -> cv2.VideoWriter:
        file = self._drawing_file(image.path, name, video=True)
        fourcc = 'MJPG' if file.suffix == '.avi' else 'mp4v'
        file.parent.mkdir(parents=True, exist_ok=True)
        writer = cv2.VideoWriter(
            str(file),
            cv2.VideoWriter.fourcc(*fourcc),
            image.fps or DEFAULT_FPS,
            (shape[1], shape[0]),
        )
        if not writer.isOpened():
            raise OSError(f'{file} could not be written as a video.')
        return writer

    def _close_video(self) -> None:
        if self._video is not None:
            self._video.release()
            self._video = None
