import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'
SCRIPTS = [TOOLS.parent / '.ci' / 'run', *sorted(TOOLS.glob('*.sh'))]


@pytest.fixture
def run(tmp_path):
    """Run a command in a folder that is not the repository's."""
    hidden = ('CONDA_PREFIX', 'LOCAL_RANK', 'OMP_NUM_THREADS')
    environ = {key: value for key, value in os.environ.items() if key not in hidden}
    # The scripts take the environment that the tests run in, and the CPU.
    environ.update(VIRTUAL_ENV=sys.prefix, CUDA_VISIBLE_DEVICES='-1')

    def call(*command, **variables):
        return subprocess.run(
            [str(part) for part in command],
            cwd=tmp_path,
            env={**environ, **variables},
            capture_output=True,
            text=True,
            timeout=300,
        )

    return call


@pytest.mark.parametrize('script', SCRIPTS, ids=lambda script: script.name)
def test_script_parses(run, script):
    result = run('bash', '-n', script)
    assert (result.returncode, result.stderr) == (0, '')


@pytest.mark.parametrize(
    'command',
    [
        ('dist_train.sh',),
        ('dist_train.sh', 'config.py', 'two'),
        ('dist_test.sh', 'config.py', '2'),
        ('slurm_train.sh', 'partition', 'job', 'config.py'),
        ('slurm_test.sh',),
        ('setup_env.sh', '--family'),
        ('setup_env.sh', '--family', 'mmlab'),
        ('setup_env.sh', '--extras'),
    ],
)
def test_wrong_arguments_show_the_usage(run, command):
    result = run('bash', TOOLS / command[0], *command[1:])
    assert result.returncode == 2
    assert result.stderr.startswith(f'usage: bash tools/{command[0]} ')


def test_a_port_in_use_is_named(run):
    with socket.create_server(('127.0.0.1', 0)) as server:
        port = server.getsockname()[1]
        command = ('bash', TOOLS / 'dist_train.sh', 'config.py', '2')
        result = run(*command, PORT=str(port))
        assert result.returncode == 1 and result.stdout == ''
        assert f'Port {port} is in use' in result.stderr
        assert f'PORT={port + 1} bash' in result.stderr
        # it is another machine's to open
        other = run(*command, PORT=str(port), NODE_RANK='1', NNODES='x')
        assert 'is in use' not in other.stderr


SRUN = """#!/bin/bash
# Starts the command once per task as Slurm does, on this machine.
while [[ $1 == --* ]]; do
    [[ $1 == --ntasks=* ]] && export SLURM_NTASKS=${1#*=}
    echo "srun $1"
    shift
done
for ((rank = 0; rank < SLURM_NTASKS; rank++)); do
    SLURM_PROCID=$rank SLURM_LOCALID=$rank "$@" &
    jobs="$jobs $!"
done
for job in $jobs; do wait $job || exit 1; done
"""


@pytest.mark.slow
def test_slurm_on_the_cpu(run, toy_config, tmp_path):
    srun = tmp_path / 'bin' / 'srun'
    srun.parent.mkdir()
    srun.write_text(SRUN)
    srun.chmod(0o755)
    variables = dict(
        PATH=f'{srun.parent}:{os.environ["PATH"]}',
        GPUS='2',
        GPUS_PER_NODE='4',
        SRUN_ARGS='--mem=1G --exclusive',
        MASTER_ADDR='127.0.0.1',
        PORT='29512',
    )

    def start(script, *args):
        result = run(
            'bash', TOOLS / script, 'part', 'job', toy_config, *args, **variables
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    options = ('--cfg-options', 'train_cfg.max_epochs=1')
    output = start('slurm_train.sh', tmp_path / 'a b', *options)
    flags = '--partition=part --job-name=job --gres=gpu:4 --ntasks-per-node=4 --mem=1G'
    assert all(f'srun {flag}\n' in output for flag in flags.split())
    checkpoint = tmp_path / 'a b' / 'epoch_1.pth'
    assert checkpoint.is_file()
    start('slurm_test.sh', checkpoint, '--work-dir', 'tested')
    assert list((tmp_path / 'tested').glob('*/*.json'))
