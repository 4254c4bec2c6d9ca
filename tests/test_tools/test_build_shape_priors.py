import runpy
import sys

import cv2
import pytest
import torch
from mmengine.config import Config

from oaformer.datasets.synth_amodal import write_split
from oaformer.models.shape_priors import ShapePriors, read_shape_priors


@pytest.fixture
def build(repo_root, tmp_path, monkeypatch, capsys):
    """Run the tool on the small config with a few drawn images."""
    cfg = Config.fromfile(repo_root / 'configs' / 'synth' / 'shapedict_tiny_synth.py')
    data = tmp_path / 'data' / 'synth_amodal'
    # no images: the annotations are enough
    for split, number in (('train', 12), ('val', 3)):
        write_split(str(data), split, number)
        for image in (data / 'images').iterdir():
            image.unlink()
    monkeypatch.chdir(tmp_path)

    def run(*options, **settings):
        cfg.merge_from_dict(settings)
        cfg.dump('config.py')
        argv = ['build_shape_priors.py', 'config.py', '--iterations', '60', *options]
        monkeypatch.setattr(sys, 'argv', argv)
        tool = repo_root / 'tools' / 'misc' / 'build_shape_priors.py'
        runpy.run_path(str(tool), run_name='__main__')
        return capsys.readouterr().out

    return run


def test_the_file_that_the_config_names(build):
    text = build('--image', 'shapes.png')
    path = 'work_dirs/shape_priors/synth_amodal.pth'
    assert 'training masks are reconstructed with IoU 0.' in text
    assert f'{path}: ' in text
    content = read_shape_priors(path)
    counts, meta = content['counts'], content['meta']
    assert meta['classes'] == ['disc', 'square', 'triangle', 'star', 'ring']
    assert len(counts) == 5
    # all different turned and mirrored shapes of all objects
    for objects, count in zip(meta['objects'], counts.tolist(), strict=True):
        assert objects / 2 < count <= 8 * objects
    priors = ShapePriors(5, file=path)
    priors.init_weights()
    assert priors.class_names == tuple(meta['classes'])
    image = cv2.imread('shapes.png')
    assert image.shape == (5 * 64, 320 + 16 * 64, 3)
    # shapes are dark, what is around them is light
    assert image[:, 320:].min() < 128 < 180 < image[:, 320:].max()


def test_the_same_seed_writes_the_same_file(build):
    for name, seed in (('a.pth', '0'), ('b.pth', '0'), ('c.pth', '1')):
        build('--upright', '--out', name, '--seed', seed)
    first, second, third = map(read_shape_priors, ('a.pth', 'b.pth', 'c.pth'))
    assert torch.equal(first['codes'], second['codes'])
    assert not torch.equal(first['codes'], third['codes'])
    # upright: an object is one shape, and some are the same
    counts, objects = first['counts'].tolist(), first['meta']['objects']
    assert all(map(int.__le__, counts, objects))
    assert sum(counts) > 0.7 * sum(objects)


def test_without_what_it_needs(build):
    head = 'model.roi_head.mask_head.'
    absent = {'train_dataloader.dataset.ann_file': 'annotations/absent.json'}
    with pytest.raises(SystemExit, match=r'absent\.json'):
        build(**absent)
    with pytest.raises(SystemExit, match='has no model.roi_head.mask_head.shape_pr'):
        build(**{head + 'shape_priors': None})
