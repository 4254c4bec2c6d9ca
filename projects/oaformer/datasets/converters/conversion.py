"""What the converters of public data sets have in common."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ...structures import RLE
from ..annotation import AmodalAnnotation
from ..atomic_write import write_json


class Conversion(Protocol):
    """Result of a converter.

    Attributes:
        content: The new annotation file.
    """

    content: dict[str, Any]

    def summary(self) -> str:
        """One line: what was kept, what was left out and why."""


def masks_of(parsed: AmodalAnnotation) -> tuple[RLE, RLE | None]:
    """Amodal and visible mask for :func:`to_annotation`.

    COCOA and KINS annotate a visible mask only where something is hidden, and so does
    the converted file.
    """
    is_occluded = parsed.visible is not parsed.amodal
    return parsed.amodal, parsed.visible if is_occluded else None


def describe_skipped(skipped: Counter) -> str:
    """What was left out for each reason."""
    reasons = [f'{number} {reason}' for reason, number in skipped.items()]
    return f'left out: {", ".join(reasons) or "nothing"}'


def describe_corrected(corrected: Counter) -> str:
    """What was corrected, to follow another sentence; empty if nothing was."""
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
        One line: the file written, what was kept and what was left out.

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
