import numpy as np

from oaformer.datasets import D2SADataset


def test_real_sample(sample_data):
    dataset = D2SADataset(
        data_root=str(sample_data / 'd2sa_sample'),
        ann_file='annotations/D2S_amodal_validation.json',
        data_prefix=dict(img='images'),
        pipeline=[dict(type='LoadImageFromFile'), dict(type='LoadAmodalAnnotations')],
    )
    classes = dataset.metainfo['classes']
    assert (len(classes), classes[0][:4], classes[-1]) == (60, 'adel', 'zucchini')
    assert sum(len(image['gt_masks']) for image in dataset) == 8
    for image in dataset:
        masks = image['gt_masks']
        assert masks.masks.shape[1:] == image['img'].shape[:2]
        np.testing.assert_allclose(
            masks.occlusion_rates, masks.recomputed_occlusion_rates(), atol=1e-3
        )
        np.testing.assert_allclose(
            image['gt_bboxes'].tensor, masks.get_bboxes('hbox').tensor, atol=1
        )
