"""The command lines of tools/train.py and tools/test.py."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from mmdet.registry import RUNNERS
from mmdet.utils import setup_cache_size_limit_of_dynamo
from mmengine.config import Config, DictAction
from mmengine.config.utils import ConfigParsingError
from mmengine.device import get_device
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...datasets.findings import AnnotationError
from ...datasets.images import ImageError
from ..checkpoint import register_safe_loaders
from ..checkpoint_fit import LISTING, CheckpointMisfitError
from ..class_check_hook import ClassMismatchError
from ..safe_load import UnreadableCheckpointError, UnsafeCheckpointError
from .distributed import set_up_processes
from .outputs import check_test_outputs, check_work_dir
from .paths import REPO_ROOT, find_config, resolve_data_paths

# the sections of a config that name files of data
DATA_SECTIONS = [
    f'{split}_{part}'
    for split in ('train', 'val', 'test')
    for part in ('dataloader', 'evaluator')
]


# what is wrong with the user's files, not with the program
USER_ERRORS = (
    AnnotationError,
    ImageError,
    FileNotFoundError,
    IsADirectoryError,
    PermissionError,
    CheckpointMisfitError,
    ClassMismatchError,
    UnreadableCheckpointError,
    UnsafeCheckpointError,
)
# the same in the words of MMCV and MMEngine
USER_MESSAGES = re.compile('failed to load image: |is not in the .* registry')


class UsageError(ValueError):
    """The command line asks for something that cannot be done."""


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
        UsageError: If the config is not found.
    """
    try:
        path = find_config(config)
    except FileNotFoundError as error:
        raise UsageError(str(error)) from error
    try:
        cfg = Config.fromfile(path)
    except (OSError, SyntaxError, ConfigParsingError) as error:
        raise UsageError(f'{path}: {error}') from error
    if cfg_options is not None:
        cfg.merge_from_dict(cfg_options)
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
    try:
        runner = RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)
    except Exception as error:
        if not _is_users_fault(error):
            raise
        sys.exit(f'{cfg.filename}: {_own_words(error)}')
    for handler in runner.logger.handlers:
        if not isinstance(handler, logging.FileHandler):
            handler.addFilter(_concerns_the_run)
    return runner


def run(runner: Runner, method: Callable[[], object]) -> None:
    """Train or test; what is wrong with config, data or checkpoint is one line."""
    try:
        method()
    except Exception as error:
        if not _is_users_fault(error):
            raise
        runner.logger.error(f'{type(error).__name__}: {_own_words(error)}')
        sys.exit(1)


def _is_users_fault(error: Exception) -> bool:
    return isinstance(error, USER_ERRORS) or bool(USER_MESSAGES.search(str(error)))


def _own_words(error: Exception) -> str:
    """Message of an error, without the traceback that a data loader adds."""
    # a KeyError quotes its message
    text = str(error.args[0] if isinstance(error, KeyError) else error)
    if 'Original Traceback' not in text:
        return text
    return text.strip().splitlines()[-1].partition(': ')[2]


def _concerns_the_run(record: logging.LogRecord) -> bool:
    """Keep listings of every parameter off the console."""
    return not str(record.msg).startswith(('paramwise_options -- ', LISTING))


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Add MMDetection's flag to change settings of the config."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change settings of the config, such as train_cfg.max_epochs=3; lists '
        'as key="[a,b]" or key=a,b, nested as key="[(a,b),(c,d)]", without spaces',
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
