"""The command lines of tools/train.py and tools/test.py."""

import argparse
import logging
import os
from pathlib import Path

from mmdet.registry import RUNNERS
from mmdet.utils import setup_cache_size_limit_of_dynamo
from mmengine.config import Config, DictAction
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..checkpoint import register_safe_loaders
from ..checkpoint_fit import LISTING
from .config_file import change_config, read_config
from .distributed import set_up_processes
from .faults import UsageError
from .outputs import check_test_outputs, check_work_dir
from .paths import REPO_ROOT, find_config, resolve_data_paths

# the sections of a config that name files of data
DATA_SECTIONS = [
    f'{split}_{part}'
    for split in ('train', 'val', 'test')
    for part in ('dataloader', 'evaluator')
]


def train_parser() -> argparse.ArgumentParser:
    """Build the parser of tools/train.py, with MMDetection's flags."""
    parser = argparse.ArgumentParser(description='Train a detector')
    parser.add_argument('config', help='the config file')
    parser.add_argument('--work-dir', help='where logs and checkpoints go')
    parser.add_argument(
        '--amp', action='store_true', help='train with automatic mixed precision'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the batch size, as the config says',
    )
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='continue from this checkpoint; without a name, from the latest one in '
        'the work dir',
    )
    _add_common_arguments(parser)
    return parser


def test_parser() -> argparse.ArgumentParser:
    """Build the parser of tools/test.py, with MMDetection's flags."""
    parser = argparse.ArgumentParser(description='Test a detector')
    parser.add_argument('config', help='the config file')
    parser.add_argument('checkpoint', help='the checkpoint, a file or a web address')
    parser.add_argument('--work-dir', help='where the file with the metrics goes')
    parser.add_argument('--out', metavar='FILE.pkl', help='dump the predictions there')
    parser.add_argument('--show', action='store_true', help='show the predictions')
    parser.add_argument(
        '--show-dir',
        help='save images of the predictions there; a relative folder is put '
        'below WORK_DIR/TIMESTAMP',
    )
    parser.add_argument(
        '--wait-time', type=float, default=2, help='seconds per image with --show'
    )
    parser.add_argument(
        '--complete',
        choices=('visible_mask', 'box'),
        help='give the model the annotated objects by visible mask or box, and measure '
        'how well it completes them; for models trained with panoptic_head.prompts',
    )
    _add_common_arguments(parser)
    return parser


def train_config(args: argparse.Namespace) -> Config:
    """Build the runner's config from the arguments of :func:`train_parser`.

    Raises:
        UsageError: If the config or this machine does not support a flag.
    """
    cfg = _runner_config(args)
    if args.amp:
        if get_device() == 'cpu':
            raise UsageError(
                '--amp: mixed precision needs a GPU, and torch finds none here '
                '(torch.cuda.is_available() is False). Train without --amp.'
            )
        if cfg.optim_wrapper.get('type') != 'AmpOptimWrapper':
            cfg.optim_wrapper.type = 'AmpOptimWrapper'
            cfg.optim_wrapper.loss_scale = 'dynamic'
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise UsageError(
                f'--auto-scale-lr: {args.config} does not say for which batch size '
                'its learning rate is meant. Add '
                'auto_scale_lr = dict(enable=False, base_batch_size=16).'
            )
        cfg.auto_scale_lr.enable = True
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None
        if args.resume != 'auto':
            cfg.load_from = _check_checkpoint(args.resume)
        else:
            _check_resuming(cfg.work_dir)
    return cfg


def test_config(args: argparse.Namespace) -> Config:
    """Build the runner's config from the arguments of :func:`test_parser`.

    Raises:
        UsageError: If the config does not support a flag, or an output would
            overwrite an input or can't be written.
    """
    cfg = _runner_config(args)
    cfg.load_from = _check_checkpoint(args.checkpoint)
    cfg.resume = False
    if args.complete is not None:
        if cfg.model.get('panoptic_head', {}).get('prompts') is None:
            raise UsageError(
                f'--complete: the model of {args.config} has no panoptic_head.prompts, '
                'so it completes no given objects.'
            )
        cfg.merge_from_dict({'model.test_cfg.complete': args.complete})
        cfg.test_evaluator = dict(type='CompletionMetric')
    if args.show or args.show_dir:
        hook = cfg.get('default_hooks', {}).get('visualization')
        if hook is None:
            raise UsageError(
                f'--show and --show-dir: {args.config} has no visualization hook. Add '
                "default_hooks = dict(visualization=dict(type='DetVisualizationHook'))."
            )
        hook.draw = True
        if args.show:
            hook.update(show=True, wait_time=args.wait_time)
        if args.show_dir:
            hook.test_out_dir = args.show_dir
    if args.out is not None and not args.out.endswith(('.pkl', '.pickle')):
        raise UsageError(f'--out {args.out}: the name must end in .pkl or .pickle.')
    try:
        check_test_outputs(cfg, args.config, args.checkpoint, args.out, args.show_dir)
    except OSError as error:
        raise UsageError(str(error)) from error
    return cfg


def load_config(config: str, cfg_options: dict | None = None) -> tuple[Config, Path]:
    """Read a config from any working folder.

    Args:
        config: Its path, relative to the working folder or the repository.
        cfg_options: Settings to change.

    Returns:
        The config, its data paths resolved, and its own path.

    Raises:
        UsageError: If the config is not found or can't be read, or has no place for
            an option.
    """
    try:
        path = find_config(config)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    cfg = read_config(path)
    change_config(cfg, cfg_options or {})
    moved = []
    for section in DATA_SECTIONS:
        if cfg.get(section) is None:
            continue
        resolved = resolve_data_paths(cfg[section])
        if resolved != cfg[section]:
            cfg[section] = resolved
            moved.append(section)
    if moved:
        print_log(
            f'The working folder has no data for {", ".join(moved)}; taken from '
            f'{REPO_ROOT} instead.',
            logger='current',
        )
    return cfg, path


def build_runner(cfg: Config) -> Runner:
    """Build the runner of a config, in as many processes as the launcher started."""
    setup_cache_size_limit_of_dynamo()
    register_safe_loaders()
    set_up_processes(cfg)
    runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    for handler in runner.logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.addFilter(_concerns_the_run)
    return runner


def _concerns_the_run(record: logging.LogRecord) -> bool:
    """Keep listings of every parameter off the console."""
    return not str(record.msg).startswith(('paramwise_options -- ', LISTING))


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add MMDetection's flag to change settings of the config."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=_Options,
        metavar='KEY=VALUE',
        help='change settings of the config, such as train_cfg.max_epochs=3; lists '
        'as key="[a,b]" or key=a,b, nested as key="[(a,b),(c,d)]", without spaces',
    )


class _Options(DictAction):
    """MMEngine's options, with an error that says how to write them."""

    def __call__(self, parser, namespace, values, option_string=None):
        """Read the options."""
        try:
            super().__call__(parser, namespace, values, option_string)
        except (ValueError, AssertionError):
            parser.exit(
                1,
                f'{parser.prog}: error: {option_string} {" ".join(values)}: write '
                'KEY=VALUE, lists as KEY="[a,b]" without spaces\n',
            )


def _add_common_arguments(parser: argparse.ArgumentParser) -> None:
    add_cfg_options(parser)
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch', 'slurm', 'mpi'],
        default='none',
        help='what started the processes of a distributed job',
    )
    # torch.distributed.launch passes the one or the other, depending on its age.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)


def _runner_config(args: argparse.Namespace) -> Config:
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg, path = load_config(args.config, args.cfg_options)
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = f'./work_dirs/{path.stem}'
    try:
        check_work_dir(cfg)
    except OSError as error:
        raise UsageError(str(error)) from error
    return cfg


def _check_checkpoint(checkpoint: str) -> str:
    if '://' not in checkpoint and not Path(checkpoint).expanduser().is_file():
        raise UsageError(
            f'There is no checkpoint {checkpoint} (looked in {Path.cwd()}).'
        )
    return checkpoint


def _check_resuming(work_dir: str) -> None:
    """Without the file ``last_checkpoint`` it is not known what to resume."""
    if Path(work_dir, 'last_checkpoint').is_file():
        return
    left = sorted(path.name for path in Path(work_dir).glob('*.pth'))
    if left:
        raise UsageError(
            f'--resume: {work_dir} has {left[-1]}, but no file last_checkpoint that '
            'says where to continue. Name the checkpoint: '
            f'--resume {Path(work_dir, left[-1])}'
        )
    print_log(
        f'--resume: {work_dir} has no checkpoint yet, so the training starts from '
        'scratch.',
        logger='current',
        level=logging.WARNING,
    )
