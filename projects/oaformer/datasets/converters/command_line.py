"""What the commands for outlines of labelling tools have in common."""

import argparse
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .conversion import check_outputs, part_of, write_content
from .depth_order import TIES
from .outlines import OutlinedImage, convert_outlines


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``out``, ``--classes`` and ``--val-fraction`` to a command line."""
    parser.add_argument('out', help='annotation file to write, such as data/cups.json')
    parser.add_argument(
        '--classes',
        nargs='+',
        metavar='NAME',
        help='labels to learn, in the order of their category ids; objects of others '
        'are left out and counted, and hide what is behind them all the same '
        '(default: all, sorted)',
    )
    parser.add_argument(
        '--val-fraction',
        type=_fraction,
        metavar='SHARE',
        help='write OUT_train.json and OUT_val.json, the latter with this share of the '
        'images, chosen by their names alone; 0: one file, even of several subsets',
    )


def add_visible_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--visible-suffix`` to a command line."""
    parser.add_argument(
        '--visible-suffix',
        default='_visible',
        metavar='SUFFIX',
        help='ending of labels that outline visible parts (default _visible): a '
        '"cup_visible" is the visible part of the "cup" of the same group, or of the '
        'only "cup" without one; where none is drawn it follows from the order',
    )


def add_unordered_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--unordered`` to a command line."""
    parser.add_argument(
        '--unordered',
        choices=TIES,
        help='guess which of two overlapping objects is in front where nothing says '
        'so, the one that comes later in the file or the smaller one; guesses are '
        'counted (default: list these pairs and write nothing)',
    )


def write_outlines(
    args: argparse.Namespace,
    source: str,
    images: Sequence[OutlinedImage],
    class_ids: Mapping[str, int] | None = None,
    **options: Any,
) -> str:
    """Convert outlines and write one annotation file, or one for each subset.

    Args:
        args: Command line of :func:`add_output_arguments`.
        source: What is converted, in words.
        images: The images.
        class_ids: Category ids by label where the source has them.
        **options: More arguments of :func:`convert_outlines`.

    Returns:
        What became of it: counts, classes and files.

    Raises:
        ValueError: If a class is unknown to the source, the outlines can't be
            converted, or a file can't be written.
    """
    if args.classes is not None:
        class_ids = _chosen(args.classes, class_ids)
    parts = _parts(images, args.val_fraction)
    outs = {part: out_file(args.out, part) for part in sorted(set(parts.values()))}
    check_outputs(outs.values(), list({image.file for image in images}))
    result = convert_outlines(source, images, class_ids, **options)
    content = result.content
    names = {each['id']: each['name'] for each in content['categories']}
    number = Counter(names[each['category_id']] for each in content['annotations'])
    listed = ', '.join(f'{name} ({number[name]})' for name in names.values())
    lines = [result.summary(), f'{len(names)} classes: {listed}']
    for part, out in outs.items():
        ids = {
            each['id'] for each in content['images'] if parts[each['file_name']] == part
        }
        some = part_of(content, ids)
        write_content(out, some)
        lines.append(f'{out}: {len(ids)} images, {len(some["annotations"])} objects')
    return '\n'.join(lines)


def out_file(out: str, part: str) -> str:
    """The file of a part of the data set; ``out`` itself of the part ''."""
    path = Path(out)
    return str(path.with_stem(f'{path.stem}_{part}')) if part else out


def val_names(names: Iterable[str], fraction: float) -> set[str]:
    """The images to validate on, at least one unless it is the only one.

    Args:
        names: File names of all images.
        fraction: Share of them to choose, in (0, 1).

    Returns:
        Those whose names have the lowest hashes: few change sides when images are
        added, and the order of the names does not matter.
    """
    ranked = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    number = min(max(1, round(fraction * len(ranked))), len(ranked) - 1)
    return set(ranked[:number])


def _fraction(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f'{text} is not from 0 to below 1')
    return value


def _chosen(
    classes: Sequence[str], class_ids: Mapping[str, int] | None
) -> dict[str, int]:
    """Category ids of the classes of the command line."""
    if class_ids is None:
        return {name: number for number, name in enumerate(classes, start=1)}
    absent = [name for name in classes if name not in class_ids]
    if absent:
        raise ValueError(f'--classes {absent} are not among {list(class_ids)}')
    return {name: class_ids[name] for name in classes}


def _parts(images: Sequence[OutlinedImage], fraction: float | None) -> dict[str, str]:
    """The part of the data set that an image belongs to, by its file name."""
    subsets = {image.entry['file_name']: image.subset or '' for image in images}
    if fraction:
        chosen = val_names(subsets, fraction)
        return {name: 'val' if name in chosen else 'train' for name in subsets}
    if fraction == 0 or len(set(subsets.values())) == 1:
        return dict.fromkeys(subsets, '')
    return {name: subset or 'default' for name, subset in subsets.items()}
