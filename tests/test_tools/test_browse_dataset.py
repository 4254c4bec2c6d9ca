import runpy

import cv2
import numpy as np
import pytest

from oaformer.datasets.synth_amodal import write_split

# Loaded images are 96 x 96, and drawn five times as large.
CONFIG = """
_base_ = {base!r}
load = [dict(type='LoadImageFromFile'), dict(type='LoadAmodalAnnotations')]
resize = dict(type='Resize', scale=(160, 160), keep_ratio=True)
pack = dict(type='PackAmodalInputs')
flip = dict(type='RandomFlip', prob=1.0)
change_size = [
    dict(type='RandomResize', scale=(160, 160), ratio_range=(1.0, 2.0),
         resize_type='Resize', keep_ratio=True),
    dict(type='RandomCrop', crop_size=(120, 120))]
train_dataloader = dict(dataset=dict(pipeline=[*load, flip, *change_size, pack]))
val_dataloader = dict(dataset=dict(
    ann_file='annotations/train.json', pipeline=[load[0], resize, load[1], pack]))
test_dataloader = dict(dataset=dict(
    ann_file='annotations/train.json', pipeline=[load[0], dict(type='PackDetInputs')]))
"""


@pytest.fixture
def config(tmp_path, monkeypatch, repo_root):
    """A config; what is added to its text changes it."""
    monkeypatch.chdir(tmp_path)
    write_split('data/synth_amodal', 'train', 3, size=96)
    base = repo_root / 'configs' / 'synth' / 'oaformer_tiny_synth.py'
    path = tmp_path / 'config.py'
    path.write_text(CONFIG.format(base=str(base)))
    return path


@pytest.fixture
def tool(repo_root):
    return runpy.run_path(str(repo_root / 'tools/analysis_tools/browse_dataset.py'))


@pytest.fixture
def browse(tool, config, tmp_path):
    def run(mode, *arguments):
        # another crop may hold no object, and another image is drawn instead
        np.random.seed(0)
        folder = tmp_path / 'drawings' / mode
        arguments = [config, '--output-dir', folder, '--mode', mode, *arguments]
        tool['main']([str(argument) for argument in arguments])
        return [cv2.imread(str(path)) for path in sorted(folder.iterdir())]

    return run


def test_absent_config_is_named(tool):
    with pytest.raises(SystemExit, match='no config absent.py'):
        tool['main'](['absent.py'])


def test_no_drawing_overwrites_an_image(tool, config, tmp_path):
    """An image may have the name of another one's drawing."""
    root = tmp_path / 'data' / 'synth_amodal'
    images = root / 'images'
    (images / 'train_000003.png').rename(images / '00000_train_000001.png')
    ann_file = root / 'annotations' / 'train.json'
    text = ann_file.read_text()
    ann_file.write_text(text.replace('train_000003', '00000_train_000001'))
    before = {path: path.read_bytes() for path in images.iterdir()}
    with pytest.raises(SystemExit, match='would overwrite the image .*--output-dir'):
        tool['main']([str(config), '--mode', 'original', '--output-dir', str(images)])
    with pytest.raises(SystemExit, match='config.py is not a folder'):
        tool['main']([str(config), '--output-dir', str(config)])
    assert {path: path.read_bytes() for path in images.iterdir()} == before


def test_drawings_are_named_after_the_images(browse, tmp_path, capsys):
    drawings = browse('concat', '--number', '2')
    assert min(drawings[0].shape[:2]) >= 480
    folder = tmp_path / 'drawings' / 'concat'
    names = sorted(path.name for path in folder.iterdir())
    assert names == ['00000_train_000001.png', '00001_train_000002.png']
    assert f'2 drawings in {folder}' in capsys.readouterr().out


def test_annotations_of_a_test_pipeline_are_drawn_on_the_file(browse):
    drawings = browse('transformed', '--split', 'val')
    assert len(drawings) == 3
    # not the 160 of the pipeline
    assert drawings[0].shape[1] == 480


def test_pipeline_without_annotations_says_so(browse):
    with pytest.raises(SystemExit, match='loads no annotations'):
        browse('concat', '--split', 'test')


def test_before_and_after_augmentation_side_by_side(browse):
    before, after, both = (
        browse(mode, '--number', '1')[0]
        for mode in ('original', 'transformed', 'concat')
    )
    # a crop of 120 is drawn four times as large at most
    assert before.shape[1] == 480 >= after.shape[1]
    assert both.shape[1] == before.shape[1] + after.shape[1] + 2 * 8
    assert (both[: len(before), :480] == before).all()


def test_a_flip_alone_mirrors_the_image(browse, config):
    config.write_text(config.read_text().replace('*change_size, ', ''))
    before, after = (
        browse(mode, '--number', '1')[0] for mode in ('original', 'transformed')
    )
    assert before.shape == after.shape
    below_header = before.shape[0] - 480
    difference = np.abs(before[below_header:, ::-1].astype(int) - after[below_header:])
    # labels are not mirrored
    assert np.median(difference) == 0


def test_original_of_an_image_that_was_drawn_in_place_of_another(tool):
    class Images(list):
        def get_data_info(self, index):
            return dict(img_path=self[index], index=index)

    images = Images(['a.png', 'b.png', 'c.png', 'b.png'])
    find = tool['image_info']
    assert [find(images, i, 'b.png')['index'] for i in (3, 1, 0)] == [3, 1, 1]


def test_a_wrapper_that_mixes_images(browse, config):
    with config.open('a') as text:
        text.write("""
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='MultiImageMixDataset',
        dataset=dict(
            type='AmodalCocoDataset',
            data_root='data/synth_amodal/',
            ann_file='annotations/train.json',
            data_prefix=dict(img='images'),
            pipeline=load),
        pipeline=[dict(type='AmodalCopyPaste'), pack]))
""")
    before, after = (
        browse(mode, '--number', '2') for mode in ('original', 'transformed')
    )
    pairs = list(zip(before, after, strict=True))
    assert len(pairs) == 2
    assert all(one.shape == other.shape for one, other in pairs)
    assert any((one != other).any() for one, other in pairs)
