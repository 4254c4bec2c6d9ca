import json

import pytest
from mmdet.registry import DATASETS
from mmengine.config import ConfigDict

from oaformer.datasets import D2SADataset
from oaformer.engine import dataset_classes


def config(**dataset):
    return ConfigDict(test_dataloader=dict(dataset=dataset))


def test_classes_that_need_no_file():
    own = dict(type='AmodalCocoDataset', metainfo=dict(classes=['dog', 'cow']))
    assert dataset_classes(config(**own)) == ('dog', 'cow')
    other = dict(type='AmodalCocoDataset', ann_file='b.json')
    concatenated = dict(type='ConcatDataset', datasets=[own, other])
    wrapped = config(type='RepeatDataset', times=2, dataset=concatenated)
    assert dataset_classes(wrapped) == ('dog', 'cow')
    d2sa = dict(type='D2SADataset', data_root='nowhere/', ann_file='absent.json')
    assert dataset_classes(config(**d2sa)) == D2SADataset.METAINFO['classes']
    one = dict(d2sa, class_agnostic=True)
    assert dataset_classes(config(**one), open_files=False) == ('object',)
    for unknown in (config(type='NotRegistered'), ConfigDict()):
        assert dataset_classes(unknown, open_files=False) == ()


def test_classes_of_files(tmp_path):
    categories = [dict(id=3, name='cow'), dict(id=1, name='dog')]
    content = dict(
        images=[dict(id=1, file_name='1.png', height=9, width=9)],
        annotations=[],
        categories=categories,
    )
    (tmp_path / '1.png').touch()
    (tmp_path / 'own.json').write_text(json.dumps(content))
    own = config(
        type='AmodalCocoDataset',
        data_root=str(tmp_path),
        ann_file='own.json',
        data_prefix=dict(img=''),
    )
    # by id, as the data set has them
    dataset = DATASETS.build(dict(own.test_dataloader.dataset, lazy_init=True))
    dataset.load_data_list()
    assert dataset_classes(own) == dataset.metainfo['classes'] == ('dog', 'cow')
    assert dataset_classes(own, open_files=False) == ()
    names = tmp_path / 'classes.txt'
    names.write_text('cup\ncan\n')
    own.test_dataloader.dataset.metainfo = dict(classes=str(names))
    assert dataset_classes(own) == ('cup', 'can')
    assert dataset_classes(own, open_files=False) == ()
    absent = config(type='AmodalCocoDataset', ann_file='absent.json')
    with pytest.raises(FileNotFoundError, match=r'absent\.json'):
        dataset_classes(absent)
