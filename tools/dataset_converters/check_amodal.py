"""Check an annotation file: what it holds, and everything that is wrong with it."""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from oaformer.datasets.annotation_check import (
    ImageFile,
    Statistics,
    check_annotations,
    find_img_dir,
    read_image_files,
)
from oaformer.datasets.annotation_file import load_annotation_content
from oaformer.datasets.atomic_write import check_output, write_json
from oaformer.datasets.findings import KINDS, Finding

CLEAN, PROBLEMS_FOUND, UNUSABLE = 0, 1, 2
BAR_WIDTH = 40


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    kinds = '\n'.join(
        f'  {name} ({kind.severity}): {kind.title}' for name, kind in KINDS.items()
    )
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='exit codes:\n'
        '  0  nothing is wrong\n'
        '  1  something is wrong, or no folder with the images was found\n'
        '  2  the file cannot be read, must be converted first, or wrong usage\n\n'
        'severities:\n'
        '  error      training and metric refuse the file\n'
        '  corrected  they correct it and count it in the log\n'
        '  warning    they use it as it is\n\n'
        f'kinds:\n{kinds}',
    )
    parser.add_argument('ann_file', metavar='FILE', help='annotation file to check')
    parser.add_argument(
        '--img-dir',
        help='folder of the images; looked for beside the file where not given',
    )
    parser.add_argument(
        '--no-images',
        action='store_true',
        help='do not look at image files at all',
    )
    parser.add_argument(
        '--out', metavar='REPORT.json', help='write numbers and everything found there'
    )
    parser.add_argument('--overwrite', action='store_true', help='replace REPORT.json')
    parser.add_argument(
        '--max-listed',
        type=int,
        default=10,
        help='how many findings of each kind to print (default: 10)',
    )
    args = parser.parse_args(argv)
    if args.max_listed < 0:
        parser.error(f'--max-listed must be 0 or more, not {args.max_listed}')
    if args.img_dir is not None and args.no_images:
        parser.error('--img-dir and --no-images exclude each other')
    if args.out is not None:
        try:
            check_output(args.out, args.ann_file)
        except OSError as error:
            parser.error(str(error))
        if os.path.lexists(args.out) and not args.overwrite:
            parser.error(f'--out {args.out} exists; --overwrite replaces it')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Check one file; returns the exit code."""
    args = parse_args(argv)
    try:
        content = load_annotation_content(args.ann_file)
        img_dir, images = look_at_images(args, content)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return UNUSABLE
    result = check_annotations(content, images)
    console = Console(soft_wrap=True, highlight=False)
    print_statistics(console, args.ann_file, result.statistics)
    where = img_dir
    if args.no_images:
        where = 'not looked at (--no-images)'
    elif img_dir is None:
        where = (
            f'not looked at, since none was found near {args.ann_file}: name their '
            'folder by --img-dir, or leave them out by --no-images'
        )
    console.print(f'Images: {where}', markup=False)
    if result.findings:
        print_findings(console, result.findings, args.max_listed)
    elif images is None:
        console.print(
            'Nothing is wrong with the annotations; the images were not looked at.'
        )
    else:
        console.print('Nothing is wrong.')
    if args.out is not None:
        report = dict(
            annotation_file=args.ann_file,
            img_dir=None if img_dir is None else str(img_dir),
            statistics=result.statistics.to_dict(),
            problems=[finding.to_dict() for finding in result.findings],
        )
        try:
            write_json(args.out, report)
        except OSError as error:
            print(f'cannot write: {error}', file=sys.stderr)
            return UNUSABLE
    is_whole = images is not None or args.no_images
    return CLEAN if is_whole and not result.findings else PROBLEMS_FOUND


def look_at_images(
    args: argparse.Namespace, content: dict
) -> tuple[Path | None, dict[str, ImageFile] | None]:
    """The images' folder, given or found, and what is known of them; None without."""
    if args.no_images:
        return None, None
    names = [
        image['file_name']
        for image in content['images']
        if isinstance(image, dict) and isinstance(image.get('file_name'), str)
    ]
    img_dir = args.img_dir or find_img_dir(args.ann_file, names)
    if img_dir is None:
        return None, None
    if names and not any(os.path.exists(Path(img_dir, name)) for name in names):
        raise ValueError(
            f'{img_dir}: none of the {len(names)} images of {args.ann_file} is there, '
            f'such as {names[0]}. Is it the right --img-dir?'
        )
    return Path(img_dir), read_image_files(names, img_dir)


def print_statistics(console: Console, name: str, statistics: Statistics) -> None:
    """Print what the file holds."""
    table = Table('', 'Number', title=escape(name), title_justify='left')
    table.columns[1].justify = 'right'
    for key, number in statistics.counts.items():
        table.add_row(key.replace('_', ' '), str(number))
    for size, number in statistics.object_sizes.items():
        table.add_row(f'{size} objects (COCO)', str(number))
    sizes = list(statistics.image_sizes.items())
    for (height, width), number in sizes[:5]:
        table.add_row(f'images of {height} x {width} (height x width)', str(number))
    if len(sizes) > 5:
        rest = sum(number for _, number in sizes[5:])
        table.add_row(f'images of {len(sizes) - 5} other sizes', str(rest))
    console.print(table)

    table = Table('Category', 'Objects')
    table.columns[1].justify = 'right'
    for category, number in statistics.categories.items():
        if number:
            table.add_row(escape(category), str(number))
    without = sum(not number for number in statistics.categories.values())
    if without:
        table.add_row(f'({without} categories without objects)', '0')
    console.print(table)

    table = Table('Occlusion rate', 'Objects', '')
    table.columns[1].justify = 'right'
    histogram = statistics.rate_histogram
    rows = [('exactly 0', statistics.unoccluded)] + [
        (f'({index / 10:.1f}, {(index + 1) / 10:.1f}]', number)
        for index, number in enumerate(histogram)
    ]
    highest = max(number for _, number in rows) or 1
    for label, number in rows:
        table.add_row(label, str(number), '#' * round(BAR_WIDTH * number / highest))
    console.print(table)


def print_findings(
    console: Console, findings: Sequence[Finding], max_listed: int
) -> None:
    """Print the findings of each kind, and how many they are."""
    for kind, (severity, title, _) in KINDS.items():
        found = [finding for finding in findings if finding.kind == kind]
        if not found:
            continue
        head = f'{severity}: {kind}: {title}: {len(found)}'
        console.print(f'\n{head}', markup=False)
        for finding in found[:max_listed]:
            console.print(f'  {finding.place()}: {finding.message}', markup=False)
        if len(found) > max_listed:
            console.print(f'  ... and {len(found) - max_listed} more')
    numbers = Counter(finding.severity for finding in findings)
    parts = ', '.join(f'{severity}: {n}' for severity, n in numbers.items())
    console.print(f'\nProblems: {len(findings)} ({parts})')


if __name__ == '__main__':
    sys.exit(main())
