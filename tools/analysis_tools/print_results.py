"""Print what the latest test run in a work dir measured, as a table."""

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

NAMES = {
    'segm_mAP': 'AP',
    'segm_mAP_50': 'AP50',
    'segm_mAP_75': 'AP75',
    'segm_mAP_s': 'AP small',
    'segm_mAP_m': 'AP medium',
    'segm_mAP_l': 'AP large',
}


def latest_metrics(work_dir: Path) -> dict[str, float]:
    """Read the metrics that tools/test.py left last in a work dir, by name.

    Raises:
        FileNotFoundError: If nothing was tested there.
    """
    # A run's folder and its file are both named after the time it started.
    files = sorted(work_dir.glob('[0-9]*/[0-9]*.json'))
    if not files:
        raise FileNotFoundError(
            f'{work_dir} has no metrics. Run tools/test.py with --work-dir {work_dir}.'
        )
    metrics = json.loads(files[-1].read_text())
    return {name: value for name, value in metrics.items() if '/' in name}


def build_table(metrics: dict[str, float]) -> Table:
    """Lay metrics out, average precision in percent."""
    table = Table('Masks', 'Metric', 'Value')
    table.columns[2].justify = 'right'
    for name, value in metrics.items():
        group, _, metric = name.partition('/')
        is_ap = 'mAP' in metric
        if value != value or (is_ap and value < 0):
            text = 'n/a'
        else:
            text = f'{100 * value:.1f} %' if is_ap else f'{value:.3f}'
        table.add_row(group, NAMES.get(metric, metric), text)
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', type=Path, help='the work dir of the test run')
    args = parser.parse_args()
    try:
        metrics = latest_metrics(args.work_dir)
    except FileNotFoundError as error:
        parser.error(str(error))
    Console().print(build_table(metrics))


if __name__ == '__main__':
    main()
