"""Faults of the user's files, settings and machine, said in one line.

Errors of the program keep their traceback; where a run has a log file, the traceback
of a user's fault is there.
"""

import errno
import linecache
import logging
import os
import pickle
import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.logging import MMLogger

from ...datasets.findings import AnnotationError
from ...datasets.images import ImageError
from ..checkpoint_fit import CheckpointMisfitError
from ..class_check_hook import ClassMismatchError
from ..safe_load import UnreadableCheckpointError


class UsageError(ValueError):
    """The command line asks for something that cannot be done."""


USER_ERRORS = (
    AnnotationError,
    CheckpointMisfitError,
    ClassMismatchError,
    FileNotFoundError,
    ImageError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
    # files that hold more than data, and damaged ones
    pickle.UnpicklingError,
    UnreadableCheckpointError,
    UsageError,
)
OUT_OF_MEMORY = (
    'Lower train_dataloader.batch_size, add --amp, or set '
    'model.panoptic_head.pixel_decoder.encoder.num_cp=6; in testing lower '
    'model.test_cfg.mask_chunk_size (README.md, "Out of memory").'
)
# The same in the words of others: what to look for, and what to do about it.
USER_MESSAGES = {
    r'failed to load image: ': 'Is the file complete? '
    'tools/dataset_converters/check_amodal.py lists all such files.',
    r'is not in the .* registry': '',
    r'CUDA error: out of memory|ALLOC_FAILED|DefaultCPUAllocator: ': OUT_OF_MEMORY,
    r'should be either all None or not None': 'Set all of them, or all to None.',
    r"not found in MMEngine's list of models": 'Give a file or a web address.',
    r'^No module named ': 'Install it, or use what does not need it.',
    r'DataLoader worker .*(is killed|exited unexpectedly)': 'Memory may have run out: '
    'lower num_workers or batch_size of the dataloader, or raise the shared memory '
    '(docker run --shm-size=8g).',
    r'^None is not a callable object': 'Is there an optimizer of the type in '
    'optim_wrapper.optimizer?',
}
# An operation of all processes, one of which is gone.
PEER_GONE = re.compile('Connection (closed|reset) by peer|remote process exited')
PEER_WORDS = 'another process of this run has ended, and says why'
FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
# Functions that make objects of a config's dicts.
BUILDERS = (
    'build_from_cfg',
    'build_scheduler_from_cfg',
    'from_cfg',
    'build_dataloader',
)
CONSTRUCTORS = {'__init__', 'get_instance'}
SIGNATURE = re.compile(r'__init__\(\) (got an unexpected keyword|missing \d+ required)')
RANKS = ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')
PATIENCE = 3
"""Seconds that another process has to say the same, before a second line is written."""

changed_numbers: dict[str, str] = {}
"""Options of this command line that are no numbers where the config has one."""


@contextmanager
def faults_in_one_line(*others: type[Exception]) -> Iterator[None]:
    """End the process with status 1 and one line on stderr at a fault of the user's.

    Also a decorator: ``@faults_in_one_line()``. All processes of a distributed run end;
    the first one says why.

    Args:
        *others: Further errors that are the user's.
    """
    changed_numbers.clear()
    try:
        yield
    except Exception as error:
        words = own_words(error) if isinstance(error, others) else describe_fault(error)
        if words is None:
            raise
        _log_traceback(error)
        _end(f'{Path(sys.argv[0]).name}: error: {words}')


def describe_fault(error: Exception) -> str | None:
    """What is wrong and what to do, in one line; None for an error of the program."""
    words = own_words(error)
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return f'{words.partition(" GPU ")[0] or "Out of memory."} {OUT_OF_MEMORY}'
    if isinstance(error, USER_ERRORS):
        return words
    if isinstance(error, OSError):
        # those of this package have no number, and say what to do
        is_users = error.errno in (None, *FULL_DISK)
        return words if is_users and not isinstance(error, ValueError) else None
    if dist.is_initialized() and PEER_GONE.search(words):
        return PEER_WORDS
    if isinstance(error, dist.DistNetworkError):
        return _describe_meeting(words)
    for pattern, advice in USER_MESSAGES.items():
        if re.search(pattern, words):
            return f'{words.partition(", but got ")[0].rstrip(".")}. {advice}'.rstrip()
    if isinstance(error, (TypeError, ValueError)) and changed_numbers:
        options = '; '.join(f'{key}: {text}' for key, text in changed_numbers.items())
        return f'--cfg-options {options} ({words})'
    return _describe_setting(error, words)


def own_words(error: BaseException) -> str:
    """Message of an error in one line, without the traceback of a worker process."""
    # a KeyError quotes its message
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    _, found, worker = text.partition('Original Traceback')
    if found:
        lines = worker.splitlines()
        last = max(i for i, line in enumerate(lines) if line.startswith('  '))
        text = '\n'.join(lines[last + 1 :]).partition(': ')[2]
    return ' '.join(text.split())


def _describe_setting(error: Exception, words: str) -> str | None:
    """A setting that its class does not take: raised by the builder or a constructor.

    That is a type, a key that no constructor has, or a value that one refuses.
    """
    frames = list(traceback.walk_tb(error.__traceback__))
    names = [frame.f_code.co_name for frame, _ in frames]
    start = max((i for i, name in enumerate(names) if name in BUILDERS), default=None)
    if start is None or not CONSTRUCTORS.issuperset(names[start + 1 :]):
        return None
    frame, line = frames[-1]
    if start + 1 == len(names):
        # an argument that is missing or too many, or no dict with a type
        is_users = isinstance(error, (KeyError, TypeError))
    elif isinstance(error, TypeError):
        is_users = SIGNATURE.search(words)
    else:
        # by intent, not a mistake of the constructor
        code = linecache.getline(frame.f_code.co_filename, line).strip()
        is_users = isinstance(error, ValueError) and code.startswith('raise ')
        words = f'{type(frame.f_locals.get("self")).__name__}: {words}'
    if not is_users:
        return None
    if isinstance(error, KeyError) and ' ' not in words:
        words = f'{words} is missing'
    return f'the config: {words}'


def _describe_meeting(words: str) -> str:
    port = os.environ.get('MASTER_PORT', '29500')
    if 'EADDRINUSE' in words:
        return (
            f'port {port} is in use, perhaps by another run: write '
            f'PORT={int(port) + 1} before the command, or where the config sets one '
            'another env_cfg.dist_cfg.port'
        )
    return (
        f'the processes did not meet at {os.environ.get("MASTER_ADDR")}, port {port}: '
        f'are MASTER_ADDR, PORT and NNODES the same on all machines? ({words})'
    )


def _log_traceback(error: Exception) -> None:
    """Write an error with its traceback to the run's log file, where there is one."""
    logger = MMLogger.get_current_instance()
    info = (type(error), error, error.__traceback__)
    record = logger.makeRecord(
        logger.name, logging.ERROR, __file__, 0, 'The run ended:', (), info, 'fault'
    )
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            handler.handle(record)


def _end(line: str) -> None:
    """End this process, but let the one speak first that knows more."""
    is_first = all(os.environ.get(name, '0') == '0' for name in RANKS)
    if not is_first or line.endswith(PEER_WORDS):
        # the launcher ends it meanwhile, once one process has ended
        time.sleep(PATIENCE)
    if dist.is_initialized():
        # without the end of the interpreter, which waits for the others
        print(line, file=sys.stderr, flush=True)
        logging.shutdown()
        os._exit(1)
    sys.exit(line)
