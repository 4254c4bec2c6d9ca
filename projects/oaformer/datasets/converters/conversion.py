"""What the converters of public data sets have in common."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ...structures import rle_area, rle_bbox, rle_difference
from ..annotation import AmodalAnnotation
from ..annotation_file import write_json


class Conversion(Protocol):
    """What a converter gives back.

    Attributes:
        content: The new annotation file.
    """

    content: dict[str, Any]

    def summary(self) -> str:
        """One line: what was kept, what was left out and why."""


def mask_fields(parsed: AmodalAnnotation) -> dict[str, Any]:
    """Fields of the schema that follow from the masks.

    Args:
        parsed: The object.

    Returns:
        Masks, box, area and rate; visible and invisible mask only where something is
        hidden.
    """
    fields = dict(
        segmentation=parsed.amodal,
        bbox=rle_bbox(parsed.amodal),
        area=float(rle_area(parsed.amodal)),
        occlude_rate=parsed.occlusion_rate,
    )
    if parsed.visible is not parsed.amodal:
        fields['visible_mask'] = parsed.visible
        fields['invisible_mask'] = rle_difference(parsed.amodal, parsed.visible)
    return fields


def tell_skipped(skipped: Counter) -> str:
    """What was left out for each reason."""
    reasons = [f'{number} {reason}' for reason, number in skipped.items()]
    return f'left out: {", ".join(reasons) or "nothing"}'


def tell_corrected(corrected: Counter) -> str:
    """What was put right, to follow another sentence; empty if nothing was."""
    return ''.join(f'; {number} times {what}' for what, number in corrected.items())


def convert_file(
    src: str, out: str, convert: Callable[[dict[str, Any], str], Conversion]
) -> str:
    """Read an annotation file, convert it and write the result as a whole.

    Args:
        src: The file to convert.
        out: The file to write.
        convert: Converts the content; its second argument is ``src``, for messages.

    Returns:
        A line that says what became of it.

    Raises:
        ValueError: If a file can't be read or written, both are the same one, or the
            content can't be converted.
    """
    source, target = Path(src), Path(out)
    if source.resolve() == target.resolve():
        raise ValueError(f'{out} is the file to convert: name another one to write')
    try:
        content = json.loads(source.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise ValueError(f'cannot read {src}: {error}') from error
    conversion = convert(content, src)
    try:
        write_json(target, conversion.content)
    except OSError as error:
        raise ValueError(f'cannot write {out}: {error}') from error
    return f'{out}: {conversion.summary()}'
