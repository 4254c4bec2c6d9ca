"""Write what a test run got right and wrong to one HTML page."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from mmdet.registry import VISUALIZERS
from mmengine.registry import init_default_scope

from oaformer.datasets.atomic_write import atomic_path, check_output
from oaformer.engine import cli, faults_in_one_line, innermost_dataset
from oaformer.evaluation import amodal_metric_of, load_results
from oaformer.visualization.report import build_report, render_report


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', help='config file of the test run')
    parser.add_argument(
        'predictions', metavar='predictions.pkl', help='what tools/test.py --out wrote'
    )
    parser.add_argument(
        '--out', type=Path, default=Path('report.html'), help='the page to write'
    )
    parser.add_argument(
        '--number', type=int, default=12, help='how many objects of each kind to show'
    )
    cli.add_cfg_options(parser)
    args = parser.parse_args(argv)
    if args.number < 0:
        parser.error(f'--number must be 0 or more, not {args.number}')
    return args


@faults_in_one_line()
def main(argv: Sequence[str] | None = None) -> None:
    """Evaluate the predictions and write the page."""
    args = parse_args(argv)
    cfg, path = cli.load_config(args.config, args.cfg_options)
    check_output(args.out, path, args.predictions)
    predictions = load_results(args.predictions)
    init_default_scope(cfg.get('default_scope', 'mmdet'))
    metric = amodal_metric_of(cfg)
    check_output(args.out, metric.ground_truth.name)
    metric.process({}, predictions)
    evaluation = metric.evaluate_results(metric.results)

    visualizer = VISUALIZERS.build({**cfg.visualizer, 'vis_backends': None})
    visualizer.dataset_meta = dict(classes=tuple(evaluation.classes))
    images = metric.ground_truth.images
    dataset = innermost_dataset(cfg.test_dataloader.dataset)
    prefix = dataset.get('data_prefix', {}).get('img', '')
    folder = Path(dataset.get('data_root') or '', prefix)
    report = build_report(
        evaluation,
        images,
        image_finder(predictions, images, folder),
        visualizer,
        args.number,
        title=f'Amodal instance segmentation: {path.stem}',
        facts=[
            ('config', args.config),
            ('predictions', args.predictions),
            ('annotations', metric.ground_truth.name),
        ],
    )
    with atomic_path(args.out) as part:
        part.write_text(render_report(report), encoding='utf-8')
    cards = sum(len(gallery.cards) for gallery in report.galleries)
    print(f'{args.out}: {cards} cases, {args.out.stat().st_size / 1e6:.1f} MB')


def image_finder(
    predictions: Sequence[dict], images: dict[int, dict], folder: Path
) -> Callable[[int], Path]:
    """Find images where they were tested, or in the data set's folder."""
    tested = {item['img_id']: item.get('img_path') for item in predictions}

    def find(image_id: int) -> Path:
        path = tested.get(image_id)
        if path is not None and Path(path).is_file():
            return Path(path)
        return folder / images[image_id]['file_name']

    return find


if __name__ == '__main__':
    main()
