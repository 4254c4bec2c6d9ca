import runpy
import subprocess
import sys

import cv2
import numpy as np
import pytest

from oaformer.datasets.synth_amodal import write_split

CONFIG = """
custom_imports = dict(imports=['oaformer'], allow_failed_imports=False)
default_scope = 'mmdet'
visualizer = dict(
    type='AmodalLocalVisualizer',
    vis_backends=[dict(type='LocalVisBackend')],
    name='visualizer')
dataset = dict(
    type='AmodalCocoDataset',
    data_root={root!r},
    ann_file='annotations/train.json',
    data_prefix=dict(img='images'))
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='LoadAmodalAnnotations'),
            dict(type='RandomFlip', prob=1.0),
            dict(type='RandomResize', scale=(160, 160), ratio_range=(1.0, 2.0),
                 resize_type='Resize', keep_ratio=True),
            dict(type='RandomCrop', crop_size=(120, 120)),
            dict(type='PackAmodalInputs')],
        **dataset))
val_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadImageFromFile'),
            dict(type='Resize', scale=(160, 160), keep_ratio=True),
            dict(type='LoadAmodalAnnotations'),
            dict(type='PackAmodalInputs')],
        **dataset))
test_dataloader = dict(
    dataset=dict(
        pipeline=[dict(type='LoadImageFromFile'), dict(type='PackDetInputs')],
        **dataset))
"""


@pytest.fixture
def config(tmp_path):
    write_split(str(tmp_path / 'data'), 'train', 3, size=96)
    path = tmp_path / 'config.py'
    path.write_text(CONFIG.format(root=str(tmp_path / 'data')))
    return path


@pytest.fixture
def tool(repo_root):
    return repo_root / 'tools' / 'analysis_tools' / 'browse_dataset.py'


def test_absent_config_is_named(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, 'argv', [str(tool), 'absent.py'])
    with pytest.raises(SystemExit, match='no config absent.py'):
        runpy.run_path(str(tool), run_name='__main__')


def test_from_another_folder_without_pythonpath(tool, config, tmp_path):
    command = [sys.executable, str(tool), str(config), '--output-dir', 'drawings']
    result = subprocess.run(
        [*command, '--number', '2'], cwd=tmp_path, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    assert '2 drawings in drawings' in result.stdout
    drawings = sorted((tmp_path / 'drawings').iterdir())
    names = [path.name for path in drawings]
    assert names == ['00000_train_000001.png', '00001_train_000002.png']
    assert min(cv2.imread(str(drawings[0])).shape[:2]) >= 480


def test_annotations_of_a_test_pipeline_are_drawn_on_the_file(tool, config, tmp_path):
    main = runpy.run_path(str(tool))['main']
    folder = str(tmp_path / 'drawings')
    main(
        [str(config), '--split', 'val', '--mode', 'transformed', '--output-dir', folder]
    )
    drawings = sorted((tmp_path / 'drawings').iterdir())
    assert len(drawings) == 3
    # 96 pixels five times, not the 160 of the pipeline.
    assert cv2.imread(str(drawings[0])).shape[1] == 480


def test_pipeline_without_annotations_says_so(tool, config):
    main = runpy.run_path(str(tool))['main']
    with pytest.raises(SystemExit, match='loads no annotations'):
        main([str(config), '--split', 'test'])


def browse(tool, config, folder, *arguments):
    main = runpy.run_path(str(tool))['main']
    main([str(config), '--output-dir', str(folder), *arguments])
    return [cv2.imread(str(path)) for path in sorted(folder.iterdir())]


def test_before_and_after_augmentation_side_by_side(tool, config, tmp_path):
    images = {
        mode: browse(tool, config, tmp_path / mode, '--mode', mode, '--number', '1')[0]
        for mode in ('original', 'transformed', 'concat')
    }
    # 96 pixels five times, and a crop of 120 at most four times
    assert images['original'].shape[1] == 480
    assert images['transformed'].shape[1] <= 480
    width = sum(images[mode].shape[1] for mode in ('original', 'transformed'))
    assert images['concat'].shape[1] == width + 2 * 8
    left = images['concat'][: len(images['original']), :480]
    assert (left == images['original']).all()


def test_a_flip_alone_mirrors_the_image(tool, config, tmp_path):
    text = config.read_text()
    start, end = (
        text.index("            dict(type='RandomResize'"),
        text.index("            dict(type='PackAmodalInputs'"),
    )
    config.write_text(text[:start] + text[end:])
    before, after = (
        browse(tool, config, tmp_path / mode, '--mode', mode, '--number', '1')[0]
        for mode in ('original', 'transformed')
    )
    assert before.shape == after.shape
    below_header = before.shape[0] - 480
    difference = np.abs(before[below_header:, ::-1].astype(int) - after[below_header:])
    # labels are not mirrored
    assert np.median(difference) == 0


def test_original_of_a_image_that_was_drawn_in_place_of_another(tool):
    same_image = runpy.run_path(str(tool))['same_image']

    class Images(list):
        def get_data_info(self, index):
            return dict(img_path=self[index])

    images = Images(['a.png', 'b.png', 'c.png'])
    assert same_image(images, 1, 'b.png') == 'b.png'
    assert same_image(images, 0, 'c.png') == 'c.png'


def test_a_wrapper_that_mixes_images(tool, config, tmp_path):
    text = config.read_text()
    text += """
pipeline = train_dataloader['dataset']['pipeline']
train_dataloader = dict(
    dataset=dict(
        type='MultiImageMixDataset',
        dataset=dict(pipeline=pipeline[:2], **dataset),
        pipeline=[dict(type='AmodalCopyPaste'), pipeline[-1]]))
"""
    config.write_text(text)
    before, after = (
        browse(tool, config, tmp_path / mode, '--mode', mode, '--number', '2')
        for mode in ('original', 'transformed')
    )
    assert len(before) == len(after) == 2
    assert all(
        one.shape == other.shape for one, other in zip(before, after, strict=True)
    )
    assert any((one != other).any() for one, other in zip(before, after, strict=True))
