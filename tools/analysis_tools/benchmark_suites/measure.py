"""Time and memory of two ways to do the same work, in interleaved rounds."""

import ctypes
import gc
import platform
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass
class Case:
    """One piece of work, done by stock MMDetection and by OAFormer.

    Attributes:
        name: What is done.
        stock: Does it with stock MMDetection.
        ours: Does it with OAFormer.
        check: Called once with both results; raises if they are not equal.
        target: Least ratio of the times, stock : ours; None if there is none.
        memory_target: Largest ratio of the peak memories, ours : stock.
        images: Number of images, where images per second are of interest.
    """

    name: str
    stock: Callable[[], object]
    ours: Callable[[], object]
    check: Callable[[object, object], None]
    target: float | None = None
    memory_target: float | None = None
    images: int | None = None


def measure(case: Case, rounds: int, device: str) -> dict:
    """Run both sides of a case in turn.

    Args:
        case: The case. Its results are compared in a first round that is not timed.
        rounds: Number of timed rounds.
        device: 'cpu' or 'cuda'.

    Returns:
        Medians in seconds, the ratio stock : ours with its spread over the rounds, and
        the peak memory of each side in MiB above what was held before.
    """
    results, peaks = [], []
    for run in (case.stock, case.ours):
        run()  # caches and lazy imports are not the work
        result, peak = peak_memory(run, device)
        results.append(result)
        peaks.append(peak)
    case.check(*results)
    del results, result
    seconds = {'stock': [], 'ours': []}
    for _ in range(rounds):
        seconds['stock'].append(_seconds(case.stock, device))
        seconds['ours'].append(_seconds(case.ours, device))
    ratios = [a / b for a, b in zip(seconds['stock'], seconds['ours'], strict=True)]
    return dict(
        name=case.name,
        stock_seconds=statistics.median(seconds['stock']),
        ours_seconds=statistics.median(seconds['ours']),
        ratio=statistics.median(ratios),
        smallest_ratio=min(ratios),
        largest_ratio=max(ratios),
        target=case.target,
        stock_peak_mib=peaks[0],
        ours_peak_mib=peaks[1],
        memory_target=case.memory_target,
        images=case.images,
        rounds=rounds,
    )


def peak_memory(run: Callable[[], object], device: str) -> tuple[object, float]:
    """A call's result, and its peak memory in MiB above what is held before.

    On the CPU it is the process's resident memory, whose high-water mark Linux can set
    back; on a GPU, what torch's allocator handed out.
    """
    gc.collect()
    if device == 'cuda':
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = run()
        torch.cuda.synchronize()
        return result, (torch.cuda.max_memory_allocated() - before) / 2**20
    # memory that was freed, but that the C library keeps, is given back first
    ctypes.CDLL('libc.so.6').malloc_trim(0)
    Path('/proc/self/clear_refs').write_text('5')
    before = _status('VmRSS')
    result = run()
    return result, (_status('VmHWM') - before) / 1024


def machine(device: str) -> str:
    """One line that says where the numbers were taken."""
    processors = re.findall('model name.*: (.*)', Path('/proc/cpuinfo').read_text())
    parts = [processors[0] if processors else platform.machine()]
    if device == 'cuda':
        parts.append(torch.cuda.get_device_name())
    parts += [f'torch {torch.__version__}', f'{torch.get_num_threads()} threads']
    return ', '.join(parts)


def _seconds(run: Callable[[], object], device: str) -> float:
    if device == 'cuda':
        torch.cuda.synchronize()
    start = time.perf_counter()
    run()
    if device == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter() - start


def _status(key: str) -> int:
    """A line of the process's status, in KiB."""
    status = Path('/proc/self/status').read_text()
    return int(re.search(rf'^{key}:\s*(\d+)', status, re.MULTILINE)[1])
