"""docs/your_data.md, walked through with drawn images: its commands and messages."""

import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import cvat_file as cvat
import numpy as np
import pycocotools.mask as mask_util
import pytest
import torch
from labelme_folder import PARTS, part_label, parts_scenes, write_parts
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.hub import get_config
from tiny_checkpoint import write_tiny_checkpoint

from oaformer.datasets.synth_amodal import CLASSES
from oaformer.structures import encode_masks, to_rle

PAGE = (Path(__file__).parents[1] / 'docs' / 'your_data.md').read_text()
# Few and small images, which the page has no reason to show.
QUICK = {
    'train.py configs/mine.py': """--cfg-options train_dataloader.dataset.times=8
        train_dataloader.dataset.dataset.indices=4 randomness.seed=0
        train_dataloader.dataset.dataset.pipeline.2.scale=(96,96)""",
    'train.py configs/mine_r50.py': """--cfg-options train_cfg.max_epochs=1
        train_dataloader.dataset.times=1 train_dataloader.dataset.dataset.indices=2
        train_dataloader.dataset.dataset.pipeline.3.scale=(96,96)
        train_dataloader.dataset.dataset.pipeline.4.crop_size=(96,96)
        train_dataloader.num_workers=0 train_dataloader.persistent_workers=False
        model.data_preprocessor.batch_augments=None model.train_cfg.num_points=128
        default_hooks.checkpoint.save_optimizer=False""",
    'image_demo.py': '--pred-score-thr 0 --device cpu',
}


def blocks(language):
    return re.findall(rf'^```{language}\n(.*?)^```$', PAGE, re.MULTILINE | re.DOTALL)


def commands():
    """The commands of the page, in order."""
    lines = ''.join(blocks('shell')).replace('\\\n', ' ').splitlines()
    return [shlex.split(line) for line in lines if line and line[0] != '#']


def messages():
    """The code in the first column of the page's table of troubles."""
    rows = PAGE.partition('## Troubles')[2].splitlines()
    cells = [row.split('|')[1] for row in rows if row.startswith('| `')]
    return [code for cell in cells for code in re.findall('`([^`]+)`', cell)]


@pytest.fixture
def walk(repo_root, tmp_path, monkeypatch, capsys):
    """Run commands in a folder that looks like the repository's."""
    (tmp_path / 'configs').mkdir()
    links = 'tools tests configs/_base_ configs/oaformer configs/oaformer_r50_d2sa.py'
    for name in links.split():
        (tmp_path / name).symlink_to(repo_root / name)
    for block in blocks('python'):
        (tmp_path / block.splitlines()[0].removeprefix('# ')).write_text(block)
    monkeypatch.chdir(tmp_path)

    def run(*words, code=0):
        """What a command prints; it has to end with this exit status."""
        monkeypatch.setattr(sys, 'argv', list(words))
        capsys.readouterr()
        status = None
        try:
            runpy.run_path(words[0], run_name='__main__')
        except SystemExit as end:
            status = end.code
        printed = ''.join(capsys.readouterr())
        if isinstance(status, str):
            # Python prints it and exits with 1
            status, printed = 1, printed + status
        assert (status or 0) == code, printed
        return printed

    return run


def read(file):
    return json.loads(Path(file).read_text())


def check_masks(file):
    """Every mask of a converted file is the drawn one; returns the number of images."""
    content, scenes = read(file), parts_scenes(20)
    names = {each['id']: each['name'] for each in content['categories']}
    for image in content['images']:
        found = [
            each for each in content['annotations'] if each['image_id'] == image['id']
        ]
        drawn = scenes[int(Path(image['file_name']).stem)].objects[::-1]
        assert [names[each['category_id']] for each in found] == list(
            map(part_label, drawn)
        )
        for each, item in zip(found, drawn, strict=True):
            whole = each['segmentation']
            visible = each.get('visible_mask', whole)
            for segmentation, mask in ((whole, item.amodal), (visible, item.visible)):
                rle = to_rle(segmentation, *mask.shape)
                assert np.array_equal(mask_util.decode(rle), mask)
            assert each.get('occlude_rate', 0) == pytest.approx(item.occlusion_rate)
    return len(content['images'])


def write_others():
    """The same 20 images as CVAT and COCO would have them."""
    images, entries, annotations = [], [], []
    for number, scene in enumerate(parts_scenes(20)):
        name, (height, width) = f'{number:02d}.png', scene.image.shape[:2]
        shapes = []
        for order, item in enumerate(scene.objects[::-1]):
            label = part_label(item)
            shapes.append(cvat.mask(label, item.amodal, 0, 0, z_order=order))
            annotation = dict(id=len(annotations), image_id=number, z_order=order)
            annotation['category_id'] = item.fields['category_id']
            annotation['segmentation'] = encode_masks(item.amodal[None])[0]
            annotations.append(annotation)
        images.append(cvat.image(name, *shapes, width=width, height=height))
        entries.append(dict(id=number, file_name=name, height=height, width=width))
    cvat.write(Path('annotations.xml'), *images)
    categories = [dict(id=i + 1, name=PARTS[name]) for i, name in enumerate(CLASSES)]
    content = dict(images=entries, annotations=annotations, categories=categories)
    Path('coco.json').write_text(json.dumps(content))


def write_weights():
    """Checkpoints to start from, untrained: the quick start's, and Mask2Former's."""
    torch.manual_seed(0)
    quick = 'work_dirs/oaformer_tiny_synth_quick/epoch_2.pth'
    Path(quick).parent.mkdir(parents=True)
    for file, cfg in (
        (quick, Config.fromfile('configs/mine.py')),
        (
            'MODEL',
            get_config('mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py'),
        ),
    ):
        cfg.model.backbone.init_cfg = None
        state = MODELS.build(cfg.model).state_dict()
        meta = dict(dataset_meta=dict(classes=CLASSES)) if file == quick else {}
        torch.save(dict(meta=meta, state_dict=state), file)


def test_the_steps_before_training(walk):
    write_others()
    lines = [words[1:] for words in commands() if words[0] == 'python']
    names = [Path(words[0]).name for words in lines]
    before = lines[: names.index('train.py')]
    assert len(before) == 7
    printed = {Path(words[0]).name: walk(*words) for words in before}

    assert printed['labelme_to_amodal.py'] == blocks('none')[0]
    assert check_masks('data/mine_train.json') + check_masks('data/mine_val.json') == 20
    assert check_masks('data/cvat.json') == check_masks('data/coco.json') == 20
    assert 'Nothing is wrong.' in printed['check_amodal.py']
    for name in ('cvat', 'coco'):
        check = 'tools/dataset_converters/check_amodal.py', f'data/{name}.json'
        walk(*check, '--img-dir', 'data/mine/batch1')
    assert len(list(Path('work_dirs/look').glob('*.png'))) == 16


@pytest.fixture
def one_thread():
    """Two threads wait for each other where something else keeps a core busy."""
    number = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(number)


@pytest.mark.slow
def test_the_whole_page(walk, one_thread):
    write_others()
    write_weights()
    by_hand = []
    for program, *words in commands():
        if program != 'python':
            by_hand.append([program, *words])
            continue
        extra = [QUICK[key] for key in QUICK if key in ' '.join(words)]
        printed = walk(*words, *' '.join(extra).split())
        if words[0].endswith('test.py'):
            assert 'Amodal masks by occlusion rate' in printed
    assert [words[0] for words in by_hand] == ['labelme', 'labelme']

    assert Path('work_dirs/mine_r50/epoch_1.pth').is_file()
    assert Path('work_dirs/mine/report.html').stat().st_size > 10_000
    exported = [read(file) for file in Path('data/mine/batch2/labelme').glob('*.json')]
    assert len(exported) == 5
    content = [read(f'data/mine_{part}.json') for part in ('train', 'val')]
    names = [image['file_name'] for part in content for image in part['images']]
    assert sorted(names) == [f'batch{1 + i // 20}/{i:02d}.png' for i in range(25)]
    objects = {
        (each['imagePath'], shape['group_id'])
        for each in exported
        for shape in each['shapes']
    }
    drawn = sum(len(scene.objects) for scene in parts_scenes(20))
    assert objects
    assert sum(len(part['annotations']) for part in content) == drawn + len(objects)


def test_the_messages_of_the_table(walk, tmp_path):
    tools = 'tools/dataset_converters/'
    convert = tools + 'labelme_to_amodal.py', 'data/mine', 'data/mine.json'
    write_parts('data/mine')
    files = sorted(Path('data/mine/batch1').glob('*.json'))
    contents = [read(file) for file in files]
    first = next(
        shape
        for each in contents
        for shape in each['shapes']
        if shape['label'] == 'box'
    )
    first['label'] = 'bix'
    for file, content in zip(files, contents, strict=True):
        file.write_text(json.dumps(content))
    printed = [walk(*convert, '--val-fraction', '0.2')]
    train = 'configs/mine.py', '--cfg-options', 'load_from=None'
    printed.append(walk('tools/train.py', *train, code=1))

    contents[1]['shapes'][0].update(points=[[1, 1], [9, 9]], shape_type='polygon')
    contents[3]['imageHeight'] = 120
    for file, content in zip(files, contents, strict=True):
        file.write_text(json.dumps(content))
    Path('data/mine/batch1/02.png').unlink()
    Path('data/mine/preds.json').write_text('{}')
    printed.append(walk(*convert, code=1))

    cvat.write_image(tmp_path / 'a.png')
    shapes = cvat.polygon('cup', cvat.CUP), cvat.polygon('plate', cvat.PLATE)
    cvat.write(tmp_path / 'a.xml', cvat.image('a.png', *shapes))
    printed.append(walk(tools + 'cvat_to_amodal.py', 'a.xml', 'a.json', code=1))

    _, weights = write_tiny_checkpoint(tmp_path)
    (tmp_path / 'data/mine/batch2/labelme').mkdir()
    (tmp_path / 'data/mine/batch2/labelme/20.json').touch()
    demo = 'tools/image_demo.py', 'data/mine/batch2', str(weights), '--device', 'cpu'
    export = '--export', 'labelme', '--out-dir', 'data/mine/batch2'
    printed.append(walk(*demo, *export, code=1))

    text = '\n'.join(printed)
    assert len(messages()) == 8
    assert [each for each in messages() if each not in text] == []
