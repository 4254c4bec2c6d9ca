import pytest
from mmengine.config import ConfigDict

from oaformer.engine.launch.distributed import (
    cpu_model_wrapper,
    process_variables,
    set_up_processes,
)
from oaformer.engine.launch.faults import UsageError


def test_each_launcher_is_translated():
    torchrun = dict(RANK='3', WORLD_SIZE='4', LOCAL_RANK='1')
    slurm = dict(SLURM_PROCID='3', SLURM_NTASKS='4', SLURM_LOCALID='1')
    mpi = dict(RANK='3', SIZE='4', LOCAL_RANK='1')
    mpi = {f'OMPI_COMM_WORLD_{name}': value for name, value in mpi.items()}
    for launcher, environ in dict(pytorch=torchrun, slurm=slurm, mpi=mpi).items():
        assert process_variables(launcher, {**environ, 'HOME': '/root'}) == torchrun


def test_missing_launcher_says_how_to_start():
    with pytest.raises(UsageError, match='RANK, WORLD_SIZE.*dist_train.sh'):
        process_variables('pytorch', dict(LOCAL_RANK='0'))


def test_torchrun_takes_no_port_of_the_config(monkeypatch):
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK'):
        monkeypatch.setenv(name, '0')
    cfg = ConfigDict(launcher='pytorch', env_cfg=dict(dist_cfg=dict(port=29511)))
    with pytest.raises(UsageError, match='PORT=29511 before the command'):
        set_up_processes(cfg)


def test_cpu_wrapper_has_no_device():
    assert cpu_model_wrapper(dict(find_unused_parameters=True)) == dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=True,
        device_ids=None,
    )
    own = ConfigDict(type='Mine', option=1)
    cfg = ConfigDict(model_wrapper_cfg=own, find_unused_parameters=True)
    assert cpu_model_wrapper(cfg) == dict(type='Mine', option=1, device_ids=None)
    assert 'device_ids' not in own
