"""What the converters of public data sets have in common."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ..annotation import AmodalAnnotation, to_annotation
from ..atomic_write import check_output, write_json


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
    try:
        check_output(out, src, option='out')
    except OSError as error:
        raise ValueError(str(error)) from error
    try:
        # bytes: with a byte order mark or without
        content = json.loads(Path(src).read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f'cannot read {src}: {error}') from error
    conversion = convert(content, src)
    try:
        write_json(out, conversion.content)
    except OSError as error:
        raise ValueError(f'cannot write {out}: {error}') from error
    return f'{out}: {conversion.summary()}'
