"""Several processes on machines without an accelerator."""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta

import torch.distributed as dist
from mmengine.config import Config
from mmengine.device import get_device

from .faults import UsageError

# Where each launcher keeps what torch.distributed reads from the environment.
_VARIABLES = {
    'pytorch': dict(RANK='RANK', WORLD_SIZE='WORLD_SIZE', LOCAL_RANK='LOCAL_RANK'),
    'slurm': dict(
        RANK='SLURM_PROCID', WORLD_SIZE='SLURM_NTASKS', LOCAL_RANK='SLURM_LOCALID'
    ),
    'mpi': dict(
        RANK='OMPI_COMM_WORLD_RANK',
        WORLD_SIZE='OMPI_COMM_WORLD_SIZE',
        LOCAL_RANK='OMPI_COMM_WORLD_LOCAL_RANK',
    ),
}
_STARTERS = dict(
    pytorch='bash tools/dist_train.sh CONFIG GPUS',
    slurm='bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR',
    mpi='mpirun',
)


def set_up_processes(cfg: Config) -> None:
    """Make a config's launcher work on this machine.

    With an accelerator MMEngine does everything. Without one its launchers fail on
    ``torch.cuda.set_device``, and its model wrapper names a CUDA device. They are
    skipped where a process group exists, so a gloo group is started here, and the
    wrapper gets no device.

    Args:
        cfg: The config, whose ``launcher`` is set. Its ``model_wrapper_cfg`` is
            changed in place where there is no accelerator.

    Raises:
        UsageError: If the launcher did not start this process, or takes no port from
            the config.
    """
    if cfg.launcher == 'none':
        return
    variables = process_variables(cfg.launcher, os.environ)
    options = dict(cfg.get('env_cfg', {}).get('dist_cfg', {}))
    if cfg.launcher == 'pytorch' and options.get('port') is not None:
        raise UsageError(
            'env_cfg.dist_cfg.port is for Slurm and MPI; torchrun has chosen its port '
            f'already. Remove it and write PORT={options["port"]} before the command'
        )
    if get_device() != 'cpu' or dist.is_initialized():
        return
    os.environ.update(variables)
    if options.get('port') is not None:
        os.environ['MASTER_PORT'] = str(options['port'])
    os.environ.setdefault('MASTER_PORT', '29500')
    if 'MASTER_ADDR' not in os.environ:
        os.environ['MASTER_ADDR'] = _first_host(os.environ)
    timeout = options.get('timeout')
    dist.init_process_group(
        'gloo', timeout=None if timeout is None else timedelta(seconds=timeout)
    )
    cfg.model_wrapper_cfg = cpu_model_wrapper(cfg)


def finish_processes() -> None:
    """Let all processes end together, once all have done their work.

    Call it last. On the CPU the process ends here: taken down at the interpreter's
    end or by ``destroy_process_group``, gloo's threads may abort a process whose work
    is done.
    """
    if not dist.is_initialized():
        return
    dist.barrier()
    if dist.get_backend() != 'gloo':
        dist.destroy_process_group()
        return
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def process_variables(launcher: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Translate a launcher's environment to torch.distributed's.

    Args:
        launcher: 'pytorch', 'slurm' or 'mpi'.
        environ: The environment.

    Returns:
        ``RANK``, ``WORLD_SIZE`` and ``LOCAL_RANK``.

    Raises:
        UsageError: If the launcher did not start this process.
    """
    names = _VARIABLES[launcher]
    missing = [name for name in names.values() if name not in environ]
    if missing:
        raise UsageError(
            f'--launcher {launcher} needs {", ".join(missing)} in the environment, '
            f'and that is not set. Start with `{_STARTERS[launcher]}`, or leave '
            '--launcher out to use one process.'
        )
    return {name: environ[source] for name, source in names.items()}


def cpu_model_wrapper(cfg: Mapping) -> dict:
    """``model_wrapper_cfg`` of a config, or else MMEngine's default, without device."""
    defaults = dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )
    return {**(cfg.get('model_wrapper_cfg') or defaults), 'device_ids': None}


def _first_host(environ: Mapping[str, str]) -> str:
    """Name the machine that all processes meet at."""
    if 'SLURM_NODELIST' not in environ:
        return '127.0.0.1'
    hosts = subprocess.run(
        ['scontrol', 'show', 'hostnames', environ['SLURM_NODELIST']],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return hosts[0]
