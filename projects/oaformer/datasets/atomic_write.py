"""Files and folders that are written as a whole or not at all."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A path beside ``path`` that takes its place when the block ends without an error.

    Args:
        path: File or folder to write; its parent is made. A file there is replaced.

    Yields:
        Where to write the file or make the folder.

    Raises:
        OSError: If it can't be written.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f'.{target.name}.{os.getpid()}')
    try:
        yield part
        os.replace(part, target)
    finally:
        if part.is_dir():
            shutil.rmtree(part)
        part.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, content: dict) -> None:
    """Write JSON as a whole or not at all; a file at ``path`` is replaced."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(content), encoding='utf-8')
