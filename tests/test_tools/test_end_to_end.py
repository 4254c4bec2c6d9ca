"""Train, resume, test and draw with the real tools and a small OAFormer."""

import json
import os
import pickle
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from oaformer.datasets.synth_amodal import write_split

CONFIG = 'configs/synth/oaformer_tiny_synth.py'
TOOLS = Path(__file__).resolve().parents[2] / 'tools'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """A working folder that is not the repository, with a handful of images."""
    folder = tmp_path_factory.mktemp('end_to_end')
    for split, count in (('train', 8), ('val', 5)):
        write_split(str(folder / 'data' / 'synth_amodal'), split, count)
    return folder


@pytest.fixture(scope='module')
def trained(folder, request):
    """Two epochs of two iterations, the reference for all that follows."""
    output = run_tool(folder, 'train.py', f'--work-dir run {OPTIONS}')
    (folder / 'run' / 'console.log').write_text(output)
    return folder / 'run'


# Tested on the images of the validation, so that both must measure the same.
OPTIONS = """--cfg-options
    train_cfg.max_epochs=2
    train_cfg.val_interval=1
    train_dataloader.batch_size=4
    default_hooks.logger.interval=1
    randomness.seed=0
    test_dataloader.dataset.ann_file=annotations/val.json
    test_evaluator.ann_file=data/synth_amodal/annotations/val.json
    model.train_cfg.num_points=128
    model.test_cfg.max_per_image=5"""
TWO_STAGE_OPTIONS = OPTIONS.partition('model.')[0]


def run_tool(folder, tool, arguments, config=CONFIG):
    environ = {**os.environ, 'VIRTUAL_ENV': sys.prefix, 'PORT': str(free_port())}
    result = subprocess.run(
        ['bash' if tool.endswith('.sh') else sys.executable, str(TOOLS / tool)]
        + f'{config} {arguments}'.split(),
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout + result.stderr


def free_port():
    with socket.socket() as server:
        server.bind(('127.0.0.1', 0))
        return server.getsockname()[1]


def scalars(work_dir):
    """Everything that was logged, one dict per line."""
    (file,) = work_dir.glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in file.read_text().splitlines()]


def losses(work_dir, epoch):
    return [
        {key: value for key, value in line.items() if 'loss' in key}
        for line in scalars(work_dir)
        if line.get('epoch') == epoch
    ]


def metrics(work_dir, prefix='amodal/'):
    (file,) = work_dir.glob('[0-9]*/[0-9]*.json')
    found = json.loads(file.read_text())
    return {key: value for key, value in found.items() if key.startswith(prefix)}


def test_training_logs_and_validates(trained):
    first = losses(trained, epoch=1)[0]
    assert {'loss', 'loss_mask', 'd0.loss_occlusion', 'loss_occlusion'} <= set(first)
    validated = [line for line in scalars(trained) if 'amodal/segm_mAP' in line]
    assert len(validated) == 2
    assert (trained / 'epoch_2.pth').is_file()
    console = (trained / 'console.log').read_text()
    assert 'Epoch(train)' in console
    # every parameter's learning rate is in the log file alone
    assert 'backbone.' not in console.partition('Hooks will be executed')[2]


def test_resuming_continues_exactly(trained, folder):
    resume = f'--work-dir resumed --resume {trained}/epoch_1.pth'
    run_tool(folder, 'train.py', f'{resume} {OPTIONS}')
    expected = losses(trained, epoch=2)
    assert len(expected) == 2
    assert losses(folder / 'resumed', epoch=2) == expected


@pytest.fixture(scope='module')
def tested(trained, folder):
    out = f'--work-dir tested --out predictions.pkl --show-dir {folder}/images'
    run_tool(folder, 'test.py', f'{trained}/epoch_2.pth {out} {OPTIONS}')
    return folder / 'tested'


def test_testing_gives_the_metric_of_the_validation(trained, tested):
    last = [line for line in scalars(trained) if 'amodal/segm_mAP' in line][-1]
    measured = metrics(tested)
    assert measured['amodal/segm_mAP'] == pytest.approx(last['amodal/segm_mAP'])
    assert 0 <= measured['amodal/segm_mAP_50'] <= 1


def test_testing_writes_predictions_and_images(tested, folder):
    predictions = pickle.loads((folder / 'predictions.pkl').read_bytes())
    assert len(predictions) == 5
    instances = predictions[0]['pred_instances']
    assert len(instances['scores']) == len(instances['masks']) == 5
    assert instances['masks'][0]['size'] == [128, 128]
    assert len(instances['occlusion_rates']) == 5
    assert len(list((folder / 'images').glob('*.png'))) == 5


def test_two_processes_test_as_one(trained, tested, folder):
    out = '--work-dir tested_by_two --out by_two.pkl'
    run_tool(folder, 'dist_test.sh', f'{trained}/epoch_2.pth 2 {out} {OPTIONS}')
    by_two = metrics(folder / 'tested_by_two')
    assert by_two == pytest.approx(metrics(tested))
    one, two = (
        pickle.loads((folder / name).read_bytes())
        for name in ('predictions.pkl', 'by_two.pkl')
    )
    assert [sample['img_id'] for sample in two] == [sample['img_id'] for sample in one]


def test_two_processes_train(folder):
    """Four images each, with ground truth counts that differ between them."""
    options = f'--work-dir by_two {OPTIONS} train_cfg.max_epochs=1'
    run_tool(folder, 'dist_train.sh', f'2 {options}')
    assert len(losses(folder / 'by_two', epoch=1)) == 1
    assert (folder / 'by_two' / 'epoch_1.pth').is_file()


def test_prompts_train_and_complete_in_two_processes(folder):
    prompts = (
        f'{OPTIONS} model.panoptic_head.prompts.box_prob=0.5 train_cfg.max_epochs=1'
    )
    run_tool(folder, 'dist_train.sh', f'2 --work-dir prompts {prompts}')
    (logged,) = losses(folder / 'prompts', epoch=1)
    assert logged['prompt.loss_mask'] > 0
    assert 'prompt.d1.loss_occlusion' in logged and 'prompt.d0.loss_mask' not in logged
    complete = f'--complete visible_mask {prompts}'
    checkpoint = f'{folder}/prompts/epoch_1.pth'
    run_tool(folder, 'test.py', f'{checkpoint} --work-dir one {complete}')
    run_tool(folder, 'dist_test.sh', f'{checkpoint} 2 --work-dir two {complete}')
    one, two = (metrics(folder / name, 'completion/') for name in ('one', 'two'))
    assert one == pytest.approx(two)
    # the visible mask is part of the result
    assert 0.4 < one['completion/mIoU_full'] < 1 and one['completion/num_objects'] > 5


def test_a_two_stage_system_trains_resumes_and_tests(folder):
    config = 'configs/synth/orcnn_tiny_synth.py'

    def run(tool, arguments):
        run_tool(folder, tool, f'{arguments} {TWO_STAGE_OPTIONS}', config)

    run('train.py', '--work-dir orcnn')
    run('train.py', '--work-dir orcnn_resumed --resume orcnn/epoch_1.pth')
    expected = losses(folder / 'orcnn', epoch=2)
    assert expected[0].keys() > {
        'loss_mask',
        'loss_mask_visible',
        'loss_mask_invisible',
    }
    assert losses(folder / 'orcnn_resumed', epoch=2) == expected
    run('dist_train.sh', '2 --work-dir orcnn_by_two')
    assert len(losses(folder / 'orcnn_by_two', epoch=2)) == 1
    run('test.py', 'orcnn/epoch_2.pth --work-dir orcnn_tested')
    run('dist_test.sh', 'orcnn/epoch_2.pth 2 --work-dir orcnn_tested_by_two')
    one, two = (metrics(folder / f'orcnn_tested{name}') for name in ('', '_by_two'))
    assert one == pytest.approx(two)
    assert 'amodal/visible_segm_mAP' in one and 'amodal/bbox_mAP' in one
