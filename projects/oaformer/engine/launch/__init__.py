"""Command lines, paths and processes of training and testing."""

from . import cli
from .distributed import finish_processes
from .faults import faults_in_one_line
from .paths import REPO_ROOT, find_config

__all__ = ['REPO_ROOT', 'cli', 'faults_in_one_line', 'find_config', 'finish_processes']
