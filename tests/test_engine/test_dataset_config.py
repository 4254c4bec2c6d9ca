from mmengine.config import ConfigDict

from oaformer.engine import innermost_dataset


def test_wrappers_are_taken_off():
    inner = dict(type='AmodalCocoDataset', ann_file='a.json')
    other = dict(type='AmodalCocoDataset', ann_file='b.json')
    concatenated = dict(type='ConcatDataset', datasets=[inner, other])
    wrapped = ConfigDict(type='RepeatDataset', dataset=concatenated)
    assert innermost_dataset(wrapped).ann_file == 'a.json'
    assert innermost_dataset(ConfigDict(inner)).ann_file == 'a.json'
