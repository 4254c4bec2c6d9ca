"""Files that are written as a whole or not at all, and never over an input."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
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
    # cut off: a file system that takes the name may not take a longer one
    part = target.with_name(f'.{target.name[:50]}.{os.getpid()}')
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


def find_overwritten(
    outputs: Iterable[str | os.PathLike], inputs: Iterable[str | os.PathLike]
) -> tuple[str, str] | None:
    """Find an output that is also an input, through links or not.

    Args:
        outputs: Files to write.
        inputs: Files that are read; web addresses are none of the outputs.

    Returns:
        The first of the outputs that is an input, and that input; None without one.
    """
    known = {_file_id(path): path for path in inputs}
    for output in outputs:
        found = known.get(_file_id(output))
        if found is not None:
            return str(output), str(found)
    return None


def check_output(
    path: str | os.PathLike, *inputs: str | os.PathLike | None, option: str = '--out'
) -> None:
    """Check, before work is done, that a file can be written and is not an input.

    Args:
        path: File to write.
        *inputs: Files that are read to make it; None stands for a file not given.
        option: How the command line names ``path``, for messages.

    Raises:
        OSError: If it is one of ``inputs``, a folder, or its folder can't be made.
    """
    found = find_overwritten([path], [each for each in inputs if each is not None])
    if found is not None:
        raise OSError(
            f'{option} {path} would overwrite the input {found[1]}: name another '
            'file to write'
        )
    if os.path.isdir(path):
        raise OSError(f'{option} {path} is a folder: name a file to write')
    check_folder(os.path.dirname(os.path.abspath(path)), f'{option} {path}')


def check_folder(folder: str | os.PathLike, what: str) -> None:
    """Check that files can be written to a folder, which need not exist yet.

    Args:
        folder: The folder.
        what: What is to be written, for messages.

    Raises:
        OSError: If it is a file or lies below one, or may not be written to.
    """
    existing = os.path.abspath(folder)
    while not os.path.lexists(existing):
        existing = os.path.dirname(existing)
    if not os.path.isdir(existing):
        raise OSError(f'{what} cannot be written: {existing} is not a folder')
    if not os.access(existing, os.W_OK | os.X_OK):
        raise OSError(f'{what} cannot be written: {existing} is read-only')


def _file_id(path: str | os.PathLike) -> tuple | str:
    """What two paths of one file have in common, whether it exists or not."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return os.path.realpath(path)
    return status.st_dev, status.st_ino
