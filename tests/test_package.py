"""The package as pip builds it, used where there is no repository."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine import load
from mmengine.config import Config
from PIL import Image

import oaformer

PREDICT = """
import oaformer
from oaformer.apis import AmodalInferencer

inferencer = AmodalInferencer('oaformer_tiny_synth', 'weights.pth', device='cpu')
inferencer('image.png', out_dir='outputs')
print(oaformer.__version__, *oaformer.__path__)
"""


@pytest.fixture(scope='module')
def installed(repo_root, tmp_path_factory):
    """A new environment with the wheel, and its needs from the tests' environment."""
    folder = tmp_path_factory.mktemp('package')
    env = folder / 'env'
    venv.create(env, symlinks=True)
    # pip leaves a folder `build` in the source
    source = folder / 'source'
    ignore = shutil.ignore_patterns('.*', '__pycache__', '*.egg-info')
    for name in ('configs', 'projects', 'tools'):
        shutil.copytree(repo_root / name, source / name, symlinks=True, ignore=ignore)
    mim = Path('projects', 'oaformer', '.mim')
    shutil.copytree(repo_root / mim, source / mim, symlinks=True)
    for path in repo_root.iterdir():
        if path.is_file():
            shutil.copy(path, source)
    clean = {name: os.environ[name] for name in os.environ if name != 'PYTHONPATH'}
    pip = [sys.executable, '-m', 'pip', '--disable-pip-version-check', '-q']
    options = ['--no-deps', '--no-build-isolation', '--wheel-dir', folder]
    subprocess.run([*pip, 'wheel', source, *options], check=True, env=clean)
    (wheel,) = folder.glob('oaformer-*.whl')
    python = env / 'bin' / 'python'
    install = ['--python', python, 'install', '--no-deps', '--no-index', wheel]
    subprocess.run([*pip, *install], check=True, env=clean)
    site = next(env.glob('lib/python*/site-packages'))
    # names the folder alone: what pip installed there as editable stays unknown
    (site / 'needs.pth').write_text(sysconfig.get_path('purelib'))
    return python, site / 'oaformer'


@pytest.fixture
def run(installed, tmp_path, monkeypatch):
    """Run the new environment's Python in an empty folder."""
    monkeypatch.delenv('PYTHONPATH', raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*command):
        return subprocess.run(
            [installed[0], *command], check=True, capture_output=True, text=True
        ).stdout

    return run


@pytest.fixture
def weights(repo_root, tmp_path):
    """Of the quick start's model, and a picture for it."""
    cfg = Config.fromfile(repo_root / 'configs' / 'synth' / 'oaformer_tiny_synth.py')
    model = MODELS.build(cfg.model)
    torch.save(dict(meta={}, state_dict=model.state_dict()), tmp_path / 'weights.pth')
    Image.new('RGB', (64, 48)).save(tmp_path / 'image.png')


def test_a_model_is_found_by_name_and_predicts(run, installed, weights, tmp_path):
    expected = f'{oaformer.__version__} {installed[1]}'
    assert run('-c', PREDICT).splitlines()[-1] == expected
    prediction = json.loads((tmp_path / 'outputs' / 'preds' / 'image.json').read_text())
    assert {'masks', 'occlusion_rates'} <= prediction.keys()


def test_tools_run_from_the_folder_of_mim(run, installed, weights, tmp_path):
    tool = installed[1] / '.mim' / 'tools' / 'image_demo.py'
    run(tool, 'image.png', 'oaformer_tiny_synth', '--weights', 'weights.pth')
    assert (tmp_path / 'outputs' / 'vis' / 'image.png').is_file()


def test_it_has_the_configs_and_tools_of_the_repository(repo_root, installed):
    mim = installed[1] / '.mim'
    for folder in ('configs', 'tools'):
        files = [
            path.relative_to(repo_root) for path in (repo_root / folder).rglob('*.py')
        ]
        assert files
        assert all(
            (mim / file).read_bytes() == (repo_root / file).read_bytes()
            for file in files
        )
    for metafile in load(mim / 'model-index.yml')['Import']:
        models = load(mim / metafile)['Models']
        assert all((mim / model['Config']).is_file() for model in models)
