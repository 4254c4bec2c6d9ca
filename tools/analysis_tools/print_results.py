"""Print what the latest test run in a work dir measured, as a table."""

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def main() -> None:
    """Print the metrics by their names, average precision in percent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', type=Path, help='the work dir of the test run')
    work_dir = parser.parse_args().work_dir
    # a run's folder and its file are both named after the time it started
    files = sorted(work_dir.glob('[0-9]*/[0-9]*.json'))
    if not files:
        parser.error(
            f'{work_dir} has no metrics. Run tools/test.py with --work-dir {work_dir}.'
        )
    table = Table('Metric', 'Value')
    table.columns[1].justify = 'right'
    try:
        values = dict(json.loads(files[-1].read_text(encoding='utf-8')))
    except (OSError, ValueError, TypeError) as error:
        parser.error(f'{files[-1]} has no metrics: {error}')
    for name, value in values.items():
        if '/' in name:
            is_precision = 'mAP' in name
            text = f'{100 * value:.1f} %' if is_precision else f'{value:.3f}'
            table.add_row(escape(name), text)
    Console().print(table)


if __name__ == '__main__':
    main()
