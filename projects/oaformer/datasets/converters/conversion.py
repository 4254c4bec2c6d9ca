"""What the converters have in common."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

from ..annotation import AmodalAnnotation, to_annotation
from ..annotation_check import read_image_files
from ..atomic_write import check_output, write_json

MOST_PROBLEMS = 50
"""How many problems a message lists."""


class Conversion(NamedTuple):
    """Result of a converter.

    Attributes:
        source: What was converted, in words.
        content: The new annotation file: ``images``, ``annotations``, ``categories``.
        skipped: Number of objects left out for each reason.
        corrected: Number of objects for each correction.
        unlisted_names: Number of objects for each name that the class list lacks.
    """

    source: str
    content: dict[str, Any]
    skipped: Counter
    corrected: Counter
    unlisted_names: Counter

    def summary(self) -> str:
        """One line: what was kept, left out and corrected."""
        images, annotations = self.content['images'], self.content['annotations']
        empty = len(images) - len({item['image_id'] for item in annotations})
        occluded = sum(item['occlude_rate'] > 0 for item in annotations)
        hidden = sum(item['occlude_rate'] == 1 for item in annotations)
        left_out = [f'{number} {reason}' for reason, number in self.skipped.items()]
        text = (
            f'{self.source}: {len(images)} images ({empty} without objects), '
            f'{len(annotations)} objects ({occluded} occluded, {hidden} fully hidden); '
            f'left out: {", ".join(left_out) or "nothing"}'
        )
        if self.unlisted_names:
            names = [f'{name} ({n})' for name, n in self.unlisted_names.most_common(10)]
            text += f'; most frequent names not in the list: {", ".join(names)}'
        for what, number in self.corrected.items():
            text += f'; {number} times {what}'
        return text


def converted_annotation(parsed: AmodalAnnotation, **fields: Any) -> dict[str, Any]:
    """The annotation of an object; a visible mask only where something is hidden."""
    is_occluded = parsed.visible is not parsed.amodal
    return to_annotation(
        parsed.amodal, parsed.visible if is_occluded else None, **fields
    )


def convert_file(
    src: str, out: str, convert: Callable[[dict[str, Any], str], Conversion]
) -> str:
    """Read an annotation file, convert it and write the result as a whole.

    Args:
        src: The file to convert.
        out: The file to write.
        convert: Converts the content; its second argument is ``src``, for messages.

    Returns:
        One line: the file written, what was kept and what was left out.

    Raises:
        ValueError: If a file can't be read or written, both are the same one, or the
            content can't be converted.
    """
    check_outputs([out], [src])
    conversion = convert(read_json(src), src)
    write_content(out, conversion.content)
    return f'{out}: {conversion.summary()}'


def read_json(path: str | os.PathLike) -> Any:
    """Read a JSON file.

    Raises:
        ValueError: If it can't be read; names it.
    """
    try:
        # bytes: with a byte order mark or without
        return json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f'cannot read {path}: {error}') from error


def check_outputs(
    outs: Iterable[str | os.PathLike], inputs: Sequence[str | os.PathLike]
) -> None:
    """Check that files can be written and are none of the inputs.

    Raises:
        ValueError: If one can't be or is.
    """
    try:
        for out in outs:
            check_output(out, *inputs, option='out')
    except OSError as error:
        raise ValueError(str(error)) from error


def write_content(out: str | os.PathLike, content: dict[str, Any]) -> None:
    """Write an annotation file as a whole or not at all.

    Raises:
        ValueError: If it can't be written; names it.
    """
    try:
        write_json(out, content)
    except OSError as error:
        raise ValueError(f'cannot write {out}: {error}') from error


def part_of(content: Mapping[str, Any], image_ids: Set[int]) -> dict[str, Any]:
    """The annotation file of some of its images, with all categories."""
    return dict(
        content,
        images=[each for each in content['images'] if each['id'] in image_ids],
        annotations=[
            each for each in content['annotations'] if each['image_id'] in image_ids
        ],
    )


def image_size(
    path: str | os.PathLike, height: int | None = None, width: int | None = None
) -> tuple[int, int]:
    """Height and width of an image file as the loader reads it, in pixels.

    Args:
        path: The file.
        height: Its height as annotated, None where that is unknown.
        width: Its width as annotated, None where that is unknown.

    Raises:
        ValueError: If it is missing, can't be read or has another size; names it.
    """
    path = Path(path)
    file = read_image_files([path.name], path.parent)[path.name]
    if file.size is None:
        raise ValueError(file.error)
    annotated = tuple(
        own if side is None else side
        for side, own in zip((height, width), file.size, strict=True)
    )
    if annotated != file.size:
        raise ValueError(
            f'{path} is {file.size[0]} x {file.size[1]} (height x width), annotated '
            f'as {annotated[0]} x {annotated[1]}'
            + ''.join(f'; {text}' for _, text in file.warnings)
        )
    return file.size


def raise_problems(problems: Sequence[str], what: str | None = None) -> None:
    """Raise an error that lists problems, if there are any.

    Args:
        problems: The problems, each with its place.
        what: What they are, after their number. None: one alone needs no heading.

    Raises:
        ValueError: If there is one.
    """
    if not problems:
        return
    if what is None and len(problems) == 1:
        raise ValueError(problems[0])
    listed = problems[:MOST_PROBLEMS]
    if len(problems) > MOST_PROBLEMS:
        listed = [*listed, f'... and {len(problems) - MOST_PROBLEMS} more']
    raise ValueError(
        f'{len(problems)} {what or "problems"}:'
        + ''.join(f'\n  {each}' for each in listed)
    )
