"""Writing files so that an interruption leaves the old one or the new one."""

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write a file, or leave it as it is.

    Args:
        path (Path): The file; its folder is made.
        text (str): Its new content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.part')
    part.write_text(text)
    os.replace(part, path)
