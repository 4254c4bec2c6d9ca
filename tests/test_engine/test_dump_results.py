import pickle

import torch

from oaformer.engine import DumpAmodalResults


def test_encoded_masks_are_kept_and_bitmaps_are_encoded(tmp_path):
    rle = dict(size=[1, 2], counts='02')
    samples = [
        dict(
            img_id=1,
            pred_instances=dict(scores=torch.ones(1), masks=[rle], visible_masks=[rle]),
        ),
        dict(
            img_id=2,
            gt_instances=dict(labels=torch.zeros(1)),
            pred_instances=dict(
                masks=torch.ones(1, 1, 2, dtype=torch.bool),
                visible_masks=torch.ones(1, 1, 2, dtype=torch.bool),
            ),
        ),
        dict(img_id=3, pred_instances=dict(masks=[])),
    ]
    metric = DumpAmodalResults(str(tmp_path / 'out.pkl'))
    metric.process({}, samples)
    metric.evaluate(size=3)

    first, second, third = pickle.loads((tmp_path / 'out.pkl').read_bytes())
    assert first['pred_instances']['masks'] == [rle]
    assert first['pred_instances']['scores'].tolist() == [1]
    assert first['pred_instances']['visible_masks'] == [rle]
    assert second['pred_instances'] == dict(masks=[rle], visible_masks=[rle])
    assert 'gt_instances' not in second
    assert third['pred_instances']['masks'] == []
    # Other metrics see the same samples.
    assert samples[0]['pred_instances']['masks'] == [rle]
    assert samples[1]['pred_instances']['visible_masks'].shape == (1, 1, 2)
    assert 'gt_instances' in samples[1]
