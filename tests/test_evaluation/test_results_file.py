import _codecs
import pickle

import mmengine
import numpy as np
import pytest
import torch

from oaformer.evaluation import DumpAmodalResults, UnsafeResultsError, load_results
from oaformer.structures import encode_masks

# left column, and what of it is visible
MASK, PART = encode_masks(np.array([[[1, 0], [1, 0]], [[1, 0], [0, 0]]], np.uint8))
RESULTS = [
    dict(
        img_id=1,
        img_path='1.png',
        ori_shape=(2, 2),
        scale_factor=(np.float64(0.5), np.float32(0.5)),
        flags={1, 2},
        keep=torch.tensor([True, False])[1:],
        array=np.arange(6, dtype=np.int16).reshape(2, 3).T,
        pred_instances=dict(
            bboxes=torch.arange(4.0)[None],
            labels=torch.tensor([3]),
            scores=torch.tensor([0.5], dtype=torch.float16),
            masks=[MASK | dict(counts=MASK['counts'].encode())],
            visible_masks=[PART],
        ),
    )
]


class Reduced:
    """A call that runs when it is unpickled."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


def dump(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize('protocol', [2, pickle.HIGHEST_PROTOCOL])
def test_everything_in_predictions_is_read(tmp_path, protocol):
    (loaded,) = load_results(dump(tmp_path / 'r.pkl', RESULTS, protocol))
    for key, value in RESULTS[0].items():
        if key in ('keep', 'array'):
            assert loaded[key].dtype == value.dtype
            assert loaded[key].tolist() == value.tolist()
        elif key != 'pred_instances':
            assert loaded[key] == value
    instances = loaded['pred_instances']
    assert instances.bboxes.tolist() == [[0, 1, 2, 3]]
    assert instances.scores.dtype == torch.float16
    assert (instances.masks, instances.visible_masks) == ([MASK], [PART])
    assert instances.occlusion_rates.tolist() == [0.5]
    assert instances.occlusion_rates_derived


def test_dump_holds_the_contract_and_leaves_the_samples_alone(tmp_path):
    bitmaps = torch.tensor([[[True, False], [True, False]]])
    instances = dict(
        bboxes=torch.zeros(1, 4), labels=torch.zeros(1), scores=torch.ones(1)
    )
    samples = [
        # a visible mask that leaves the amodal one
        dict(
            img_id=1,
            pred_instances=instances | dict(masks=[PART], visible_masks=[MASK]),
        ),
        dict(
            img_id=2,
            gt_instances=dict(labels=torch.zeros(1)),
            pred_instances=instances
            | dict(
                masks=bitmaps, visible_masks=bitmaps, occlusion_rates=torch.ones(1) / 4
            ),
        ),
    ]
    path = tmp_path / 'r.pkl'
    metric = DumpAmodalResults(str(path))
    metric.process({}, samples)
    metric.evaluate(size=2)
    first, second = (item['pred_instances'] for item in mmengine.load(path))
    assert (first['masks'], first['visible_masks']) == ([PART], [PART])
    assert first['occlusion_rates'].tolist() == [0]
    assert first['occlusion_rates_derived'] is True
    assert (second['masks'], second['visible_masks']) == ([MASK], [MASK])
    assert second['occlusion_rates'].tolist() == [0.25]
    assert second['occlusion_rates_derived'] is False
    assert all('gt_instances' not in item for item in mmengine.load(path))
    # other metrics see the same samples
    assert samples[1]['pred_instances']['masks'] is bitmaps
    assert 'gt_instances' in samples[1]

    loaded = [item['pred_instances'] for item in load_results(path)]
    assert [item.occlusion_rates_derived for item in loaded] == [True, False]
    assert loaded[0].visible_masks == [PART]


@pytest.mark.parametrize('place', ['as a value', 'in a tensor'])
def test_code_is_refused_and_not_run(tmp_path, monkeypatch, place):
    monkeypatch.delenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', raising=False)
    value = Reduced(open, str(tmp_path / 'written'), 'w')
    if place == 'in a tensor':
        value = Reduced(torch.storage._load_from_bytes, pickle.dumps(value))
    path = dump(tmp_path / 'r.pkl', [dict(RESULTS[0], extra=value)])
    with pytest.raises((UnsafeResultsError, RuntimeError), match=r'r\.pkl'):
        load_results(path)
    assert not (tmp_path / 'written').exists()


def test_the_message_says_what_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', raising=False)
    call = Reduced(open, str(tmp_path / 'w'), 'w')
    path = dump(tmp_path / 'r.pkl', [dict(RESULTS[0], extra=call)])
    with pytest.raises(UnsafeResultsError, match='wants .*open.*FORCE_NO_WEIGHTS'):
        load_results(path)
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', '1')
    load_results(path)
    assert (tmp_path / 'w').exists()


def test_odd_encodings_are_refused(tmp_path):
    encoded = Reduced(_codecs.encode, 'text', 'rot13')
    with pytest.raises(UnsafeResultsError, match='rot13'):
        load_results(dump(tmp_path / 'r.pkl', [encoded]))


def test_other_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_results(tmp_path / 'absent.pkl')
    path = dump(tmp_path / 'r.pkl', RESULTS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RuntimeError, match=r'r\.pkl could not be read'):
        load_results(path)
    for content in (dict(a=1), [dict(img_id=1)]):
        with pytest.raises(ValueError, match=r'other\.pkl does not hold predictions'):
            load_results(dump(tmp_path / 'other.pkl', content))
    boxes = [dict(img_id=7, pred_instances=dict(bboxes=torch.zeros(0, 4)))]
    with pytest.raises(
        ValueError, match=r'r\.pkl: image 7: .* no labels, scores, masks'
    ):
        load_results(dump(path, boxes))
