"""What a run was run on."""

import importlib
import os
import platform
import subprocess
from pathlib import Path

import torch
from mmengine.device import get_device

PACKAGES = ('torch', 'mmengine', 'mmcv', 'mmdet')


def describe_environment(repo_root: Path, threads: int, jobs: int) -> dict:
    """Describe this machine, what is installed on it and the code.

    Args:
        repo_root (Path): The repository's folder.
        threads (int): Threads of each run (``OMP_NUM_THREADS``).
        jobs (int): How many runs there are at a time.

    Returns:
        dict: Versions, 'cpu', 'cores', 'threads', 'jobs'; 'gpu' and 'commit' where
        there are such.
    """
    described = dict(python=platform.python_version())
    for package in PACKAGES:
        module = importlib.import_module(package)
        described[package] = module.__version__
    described.update(cpu=_cpu(), cores=_cores(), threads=threads, jobs=jobs)
    if get_device() == 'cuda':
        described['gpu'] = torch.cuda.get_device_name()
    commit = _commit(repo_root)
    if commit is not None:
        described['commit'] = commit
    return described


def _cpu() -> str:
    info = Path('/proc/cpuinfo')
    if info.is_file():
        for line in info.read_text().splitlines():
            if line.startswith('model name'):
                return line.partition(':')[2].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _commit(repo_root: Path) -> str | None:
    """The commit, with '-dirty' if the code has changed since."""
    try:
        head = _git(repo_root, 'rev-parse', 'HEAD')
        changes = _git(
            repo_root, 'status', '--porcelain', '--', 'projects', 'configs', 'tools'
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return f'{head}-dirty' if changes else head


def _git(repo_root: Path, *args: str) -> str:
    command = ['git', '-C', str(repo_root), *args]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return result.stdout.strip()
