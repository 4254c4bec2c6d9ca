"""Check an annotation file: what it holds, and everything in it that can't be right."""

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
    ERROR,
    KINDS,
    WARNING,
    FixedAnnotations,
    ImageFile,
    Problem,
    Statistics,
    check_annotations,
    find_img_dir,
    fix_annotations,
    read_image_files,
)
from oaformer.datasets.annotation_file import (
    load_annotation_content,
    write_json,
)

CLEAN, PROBLEMS_FOUND, UNUSABLE = 0, 1, 2
BAR_WIDTH = 40


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    kinds = '\n'.join(
        f'  {name} ({kind.severity}): {kind.title}.\n      --fix: {kind.fix}.'
        for name, kind in KINDS.items()
    )
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='exit codes:\n'
        '  0  nothing is wrong\n'
        '  1  problems were found, whether or not --fix corrected them in the copy\n'
        '  2  the file cannot be read, must be converted first, or wrong usage\n\n'
        'kinds of problems; an error is what the data set refuses to load or would\n'
        'misread, a warning what it corrects by itself, or takes as it stands:\n'
        f'{kinds}\n\n'
        'What --fix removes stands in the list "removed" of the copy, with the reason.',
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
        '--fix', metavar='OUT.json', help='write a corrected copy there'
    )
    parser.add_argument(
        '--out', metavar='REPORT.json', help='write numbers and all problems there'
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace OUT.json and REPORT.json'
    )
    parser.add_argument(
        '--max-listed',
        type=int,
        default=10,
        help='how many problems of each kind to print (default: 10)',
    )
    args = parser.parse_args(argv)
    if args.max_listed < 0:
        parser.error(f'--max-listed must be 0 or more, not {args.max_listed}')
    if args.img_dir is not None and args.no_images:
        parser.error('--img-dir and --no-images exclude each other')
    for flag, path in (('--fix', args.fix), ('--out', args.out)):
        if path is None:
            continue
        if _is_same_file(path, args.ann_file):
            parser.error(f'{flag} {path} is the original, which is never touched')
        if os.path.lexists(path) and not args.overwrite:
            parser.error(f'{flag} {path} exists; --overwrite replaces it')
    if args.fix is not None and args.out is not None:
        if _is_same_file(args.fix, args.out):
            parser.error('--fix and --out name the same file')
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
    if img_dir is None:
        console.print('Images: not looked at (--img-dir)', markup=False)
    else:
        console.print(f'Images: {img_dir}', markup=False)
    print_problems(console, result.problems, args.max_listed)
    report = dict(
        annotation_file=args.ann_file,
        img_dir=None if img_dir is None else str(img_dir),
        statistics=result.statistics.to_dict(),
        problems=[problem.to_dict() for problem in result.problems],
    )
    try:
        if args.fix is not None:
            fixed = fix_annotations(content, images)
            write_json(args.fix, fixed.content)
            print_changes(console, args.fix, fixed)
            report['changes'] = [change.to_dict() for change in fixed.changes]
        if args.out is not None:
            write_json(args.out, report)
    except OSError as error:
        print(f'cannot write: {error}', file=sys.stderr)
        return UNUSABLE
    return PROBLEMS_FOUND if result.problems else CLEAN


def look_at_images(
    args: argparse.Namespace, content: dict
) -> tuple[Path | None, dict[str, ImageFile] | None]:
    """Read the headers of the images in the folder given or found.

    Returns:
        The folder and what is known of its images; None where they aren't looked at.

    Raises:
        ValueError: If none of the images is in the folder given.
    """
    names = [
        image['file_name']
        for image in content['images']
        if isinstance(image, dict) and isinstance(image.get('file_name'), str)
    ]
    if args.no_images:
        return None, None
    img_dir = args.img_dir or find_img_dir(args.ann_file, names)
    if img_dir is None:
        return None, None
    images = read_image_files(names, img_dir)
    if images and all(image.size is None for image in images.values()):
        raise ValueError(
            f'{img_dir}: none of the {len(images)} images of {args.ann_file} can '
            f'be read there, such as {names[0]}. Is it the right --img-dir?'
        )
    return Path(img_dir), images


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


def print_problems(
    console: Console, problems: Sequence[Problem], max_listed: int
) -> None:
    """Print the problems of each kind, and how many they are."""
    if not problems:
        console.print('Nothing is wrong.')
        return
    for kind, details in KINDS.items():
        wrong = [problem for problem in problems if problem.kind == kind]
        if not wrong:
            continue
        head = f'{details.severity}: {kind}: {details.title}: {len(wrong)}'
        console.print(f'\n{head}', markup=False)
        for problem in wrong[:max_listed]:
            console.print(f'  {problem.place()}: {problem.message}', markup=False)
        if len(wrong) > max_listed:
            console.print(f'  ... and {len(wrong) - max_listed} more')
    numbers = Counter(problem.severity for problem in problems)
    console.print(
        f'\nProblems: {len(problems)} (errors: {numbers[ERROR]}, warnings: '
        f'{numbers[WARNING]})'
    )


def print_changes(console: Console, path: str, fixed: FixedAnnotations) -> None:
    """Print what the corrected copy differs in."""
    numbers = Counter((change.action, change.problem.kind) for change in fixed.changes)
    console.print(f'\nCorrected copy: {path}', markup=False)
    for (action, kind), number in sorted(numbers.items()):
        console.print(f'  {number} {action}: {kind}', markup=False)
    if not fixed.changes:
        console.print('  equal to the original')
    if fixed.removed:
        console.print(
            f'WARNING: {len(fixed.removed)} entries had to be left out. They stand in '
            f'"removed" of {path}, each with the reason.',
            markup=False,
        )


def _is_same_file(first: str, second: str) -> bool:
    """Whether two paths lead to one file, through links or not."""
    try:
        return os.path.samefile(first, second)
    except OSError:
        return os.path.realpath(first) == os.path.realpath(second)


if __name__ == '__main__':
    sys.exit(main())
