import json
import os
import pickle
import shutil
import subprocess
import sys

import pytest

SCRIPTS = [
    '.ci/run',
    'tools/dist_test.sh',
    'tools/dist_train.sh',
    'tools/env_python.sh',
    'tools/quickstart.sh',
    'tools/run_tests.sh',
    'tools/setup_env.sh',
    'tools/slurm_test.sh',
    'tools/slurm_train.sh',
]
TRAIN_FLAGS = (
    '--work-dir --amp --auto-scale-lr --resume --cfg-options --launcher --local_rank'
)
TEST_FLAGS = (
    '--work-dir --out --show --show-dir --wait-time --cfg-options --launcher '
    '--local_rank'
)


@pytest.fixture
def run(repo_root, tmp_path):
    """Run a command in a folder that is not the repository's."""
    environ = {
        key: value
        for key, value in os.environ.items()
        if key not in ('CONDA_PREFIX', 'LOCAL_RANK', 'OMP_NUM_THREADS', 'PYTHONPATH')
    }
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


@pytest.mark.parametrize('script', SCRIPTS)
def test_script_parses(run, repo_root, script):
    result = run('bash', '-n', repo_root / script)
    assert (result.returncode, result.stderr) == (0, '')


@pytest.mark.parametrize(
    ('tool', 'flags'), [('train.py', TRAIN_FLAGS), ('test.py', TEST_FLAGS)]
)
def test_help_shows_mmdetection_s_flags(run, repo_root, tool, flags):
    result = run(sys.executable, repo_root / 'tools' / tool, '--help')
    assert result.returncode == 0, result.stderr
    assert [flag for flag in flags.split() if flag not in result.stdout] == []


@pytest.mark.parametrize(
    'command',
    [
        ('dist_train.sh',),
        ('dist_train.sh', 'config.py', 'two'),
        ('dist_test.sh', 'config.py', '2'),
        ('slurm_train.sh', 'partition', 'job', 'config.py'),
        ('slurm_test.sh',),
    ],
)
def test_wrong_arguments_show_the_usage(run, repo_root, command):
    result = run('bash', repo_root / 'tools' / command[0], *command[1:])
    assert result.returncode == 2
    assert result.stderr.startswith(f'usage: bash tools/{command[0]} ')


@pytest.mark.parametrize('script', ['slurm_train.sh', 'slurm_test.sh'])
def test_slurm_gets_mmdetection_s_arguments(run, repo_root, tmp_path, script):
    srun = tmp_path / 'bin' / 'srun'
    srun.parent.mkdir()
    srun.write_text('#!/bin/sh\necho $MASTER_PORT\nprintf "%s\\n" "$@"\n')
    srun.chmod(0o755)
    result = run(
        'bash',
        repo_root / 'tools' / script,
        *('part', 'job', 'config.py', 'fourth', '--cfg-options', 'a="b c"'),
        PATH=f'{srun.parent}:{os.environ["PATH"]}',
        GPUS='4',
        GPUS_PER_NODE='2',
        SRUN_ARGS='--mem 1G',
        PORT='1234',
    )
    port, *words = result.stdout.splitlines()
    tool = str(repo_root / 'tools' / script[6:].replace('.sh', '.py'))
    work_dir = ['--work-dir'] if script == 'slurm_train.sh' else []
    assert port == '1234'
    assert words == [
        '--partition=part',
        '--job-name=job',
        '--gres=gpu:2',
        '--ntasks=4',
        '--ntasks-per-node=2',
        '--cpus-per-task=5',
        '--kill-on-bad-exit=1',
        '--mem',
        '1G',
        f'{sys.prefix}/bin/python',
        '-u',
        tool,
        'config.py',
        *work_dir,
        'fourth',
        '--launcher',
        'slurm',
        '--cfg-options',
        'a="b c"',
    ]


def fake_setup(repo_root, folder, version='3.11'):
    """Copy the set-up script beside an environment whose Python does nothing."""
    shutil.copytree(repo_root / 'tools', folder / 'repo' / 'tools')
    for name in ('requirements.txt', 'setup.cfg', 'pyproject.toml'):
        shutil.copy(repo_root / name, folder / 'repo')
    python = folder / 'env' / 'bin' / 'python'
    python.parent.mkdir(parents=True)
    python.write_text(
        '#!/bin/sh\n'
        f'echo "$@" >> {folder}/calls\n'
        'case "$2" in\n'
        f'  *version_info*) exec {sys.executable} -c "import sys\n'
        f'sys.version_info = ({version.replace(".", ", ")})\n'
        '$2" ;;\n'
        f'  *sys.prefix*) echo {folder}/env ;;\n'
        'esac\n'
    )
    python.chmod(0o755)
    return folder / 'repo' / 'tools' / 'setup_env.sh', python


def test_setup_installs_once(run, repo_root, tmp_path):
    script, python = fake_setup(repo_root, tmp_path)
    environment = str(tmp_path / 'env')
    for is_first in (True, False):
        result = run('bash', script, VIRTUAL_ENV=environment)
        assert (result.returncode, result.stdout) == (0, f'{python}\n'), result.stderr
        calls = (tmp_path / 'calls').read_text()
        (tmp_path / 'calls').unlink()
        assert ('pip --disable-pip-version-check install' in calls) is is_first
    with (script.parents[1] / 'requirements.txt').open('a') as out:
        out.write('# changed\n')
    run('bash', script, VIRTUAL_ENV=environment)
    assert ' install ' in (tmp_path / 'calls').read_text()


def test_setup_refuses_an_environment_with_another_python(run, repo_root, tmp_path):
    script, _ = fake_setup(repo_root, tmp_path, version='3.13')
    result = run('bash', script, VIRTUAL_ENV=str(tmp_path / 'env'))
    assert result.returncode == 1
    assert 'is not 3.10, 3.11 or 3.12' in result.stderr
    assert result.stdout == ''


@pytest.mark.slow
def test_two_processes_measure_what_one_does(run, repo_root, toy_config, tmp_path):
    toys = {'PYTHONPATH': str(toy_config.parent), 'PORT': '29511'}
    tools = repo_root / 'tools'

    result = run('bash', tools / 'dist_train.sh', toy_config, 2, **toys)
    assert result.returncode == 0, result.stderr
    checkpoint = 'work_dirs/toy_config/epoch_4.pth'

    def measured(work_dir):
        (file,) = (tmp_path / work_dir).glob('*/*.json')
        return json.loads(file.read_text())['toy/error']

    result = run(
        *('bash', tools / 'dist_test.sh', toy_config, checkpoint, 2),
        *('--work-dir', 'two', '--out', 'two.pkl'),
        **toys,
    )
    assert result.returncode == 0, result.stderr
    result = run(
        *(sys.executable, tools / 'test.py', toy_config, checkpoint),
        *('--work-dir', 'one', '--out', 'one.pkl'),
        **toys,
    )
    assert result.returncode == 0, result.stderr
    assert measured('two') == pytest.approx(measured('one'), abs=1e-9)

    one, two = (
        pickle.loads((tmp_path / f'{name}.pkl').read_bytes()) for name in ('one', 'two')
    )
    assert [float(x['error']) for x in two] == [float(x['error']) for x in one]


@pytest.mark.slow
def test_slurm_on_the_cpu(run, repo_root, toy_config, tmp_path):
    # srun starts the processes; here a loop does, with the variables that srun sets.
    loop = """
    for rank in 0 1; do
        SLURM_PROCID=$rank SLURM_LOCALID=$rank "$@" &
        jobs="$jobs $!"
    done
    for job in $jobs; do wait $job || exit 1; done
    """
    result = run(
        *('bash', '-c', loop, 'srun'),
        *(sys.executable, repo_root / 'tools' / 'train.py', toy_config),
        *('--launcher', 'slurm', '--cfg-options', 'train_cfg.max_epochs=1'),
        PYTHONPATH=str(toy_config.parent),
        SLURM_NTASKS='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT='29512',
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / 'work_dirs' / 'toy_config' / 'epoch_1.pth').is_file()
