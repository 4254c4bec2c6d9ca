"""Given objects in, completed ones out."""

import numpy as np
import pytest
import torch
from mmdet.registry import DATASETS
from mmengine.dataset import pseudo_collate
from tiny_checkpoint import CLASSES, tiny_config, write_tiny_checkpoint

from oaformer.apis import AmodalInferencer, InputError, ModelError
from oaformer.apis.known_objects import KnownObjects, to_prompts
from oaformer.evaluation import CompletionMetric
from oaformer.structures import decode_masks, encode_masks, rle_area


@pytest.fixture(scope='module')
def completer(tmp_path_factory):
    folder = tmp_path_factory.mktemp('prompts')
    checkpoint = write_tiny_checkpoint(folder, panoptic_head=dict(prompts={}))
    return AmodalInferencer(*checkpoint, device='cpu', show_progress=False)


@pytest.fixture
def dataset(synth):
    settings = dict(
        tiny_config().test_dataloader.dataset,
        data_root=str(synth),
        ann_file='annotations/val.json',
        data_prefix=dict(img='images'),
        test_mode=True,
    )
    return DATASETS.build(settings)


def square(top, left, size=20, height=96, width=96):
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[top : top + size, left : left + size] = 1
    return mask


def test_masks_boxes_and_classes_of_one_image(completer, images):
    masks = [square(5, 5), None, square(40, 40)]
    boxes = [None, [50, 60, 70.5, 90], [1, 1, 2, 2]]
    labels = ['ring', None, 0]
    result = completer.complete(str(images[0]), masks, boxes, labels)['predictions'][0]
    assert len(result['masks']) == 3
    assert result['label_names'][0] == CLASSES[2] and result['labels'][2] == 0
    assert len(result['occlusion_rates']) == len(result['scores']) == 3
    # boxes have no visible masks without the branch for them
    assert 'visible_masks' not in result
    for given, mask in zip(masks, decode_masks(result['masks']), strict=True):
        assert given is None or (mask >= given).all()
    only_masks = completer.complete(str(images[0]), [masks[0], masks[2]])
    visible = decode_masks(only_masks['predictions'][0]['visible_masks'])
    np.testing.assert_array_equal(visible, [masks[0], masks[2]])


def test_a_batch_is_its_images(completer, images):
    paths = [str(path) for path in images[:3]]
    masks = [[square(5, 5)], [square(9, 30), square(50, 50)], [square(0, 70)]]
    batch = completer.complete(paths, masks, batch_size=3)['predictions']
    for path, own, expected in zip(paths, masks, batch, strict=True):
        alone = completer.complete(path, own)['predictions'][0]
        assert alone['labels'] == expected['labels']
        np.testing.assert_allclose(alone['scores'], expected['scores'], atol=1e-4)


def test_predictions_without_prompts_are_those_of_any_model(completer, images):
    result = completer(str(images[0]))['predictions'][0]
    assert result['scores'] == sorted(result['scores'], reverse=True)


@pytest.mark.parametrize('kind', ['visible_mask', 'box'])
def test_testing_completes_the_annotated_objects(completer, dataset, images, kind):
    model, metric = completer.model, CompletionMetric()
    model.test_cfg['complete'] = kind
    try:
        with torch.no_grad():
            samples = [model.test_step(pseudo_collate([item]))[0] for item in dataset]
    finally:
        del model.test_cfg['complete']
    for sample in samples:
        masks = sample.gt_instances.masks
        assert len(sample.pred_instances) == len(masks)
        if kind == 'visible_mask':
            known = dict(visible_masks=list(masks.visible))
        else:
            boxes = [cell.nonzero() for cell in masks.visible]
            known = dict(
                boxes=[[x.min(), y.min(), x.max() + 1, y.max() + 1] for y, x in boxes]
            )
        expected = completer.complete(sample.img_path, **known)['predictions'][0]
        assert sample.pred_instances.masks == expected['masks']
    metric.process({}, [sample.to_dict() for sample in samples])
    result = metric.evaluate(len(samples))
    assert result['completion/num_objects'] == sum(
        len(sample.gt_instances) for sample in samples
    )
    assert 0 < result['completion/mIoU_full'] < 1


def test_drawings_and_files_have_all_objects(completer, images, tmp_path):
    completer.complete(str(images[0]), [square(5, 5)], out_dir=tmp_path)
    assert (tmp_path / 'preds' / f'{images[0].stem}.json').is_file()
    assert (tmp_path / 'vis' / images[0].name).is_file()


def test_a_model_without_prompts_is_refused(inferencer, images):
    with pytest.raises(ModelError, match=r'trained without panoptic_head\.prompts'):
        inferencer.complete(str(images[0]), [square(5, 5)])


@pytest.mark.parametrize(
    ('known', 'message'),
    [
        (dict(), 'no object to complete'),
        (dict(visible_masks=[]), 'no object to complete'),
        (dict(labels=['disc']), 'no object to complete'),
        (dict(visible_masks=[square(1, 1)], labels=[]), 'differ in length'),
        (dict(visible_masks=[None]), 'object 0: neither a visible mask nor a box'),
        (dict(visible_masks=[square(1, 1), square(0, 0, 0)]), 'object 1: .* is empty'),
        (
            dict(visible_masks=[square(1, 1, height=97)]),
            r'\(97, 96\), the image \(96, 96',
        ),
        (dict(visible_masks=[dict(size=[5, 5], counts='0')]), 'object 0: .*5'),
        (dict(boxes=[[5, 5, 5, 9]]), r'object 0: the box .* is empty'),
        (dict(boxes=[[5, 5, float('nan'), 9]]), 'a box is x1, y1, x2, y2'),
        (dict(boxes=[[5, 5, 9]]), 'a box is x1, y1, x2, y2'),
        (dict(boxes=[[96, 5, 100, 9]]), 'outside the image of 96 x 96'),
        (dict(boxes=[[0, 0, 9, 9]], labels=['cup']), "'cup' is none of .* disc, box"),
        (dict(boxes=[[0, 0, 9, 9]], labels=[3]), 'class 3 is not from 0 to 2'),
    ],
)
def test_bad_objects_are_named(completer, images, known, message):
    with pytest.raises(InputError, match=message) as caught:
        completer.complete(str(images[0]), **known)
    assert str(images[0]) in str(caught.value)


def test_one_list_for_each_image(completer, images):
    paths = [str(path) for path in images[:2]]
    with pytest.raises(InputError, match='2 images, but objects of 1 are given'):
        completer.complete(paths, [[square(5, 5)]])


def test_every_form_of_a_mask_is_the_same():
    mask = square(10, 20)
    forms = [
        mask,
        mask.astype(bool),
        torch.from_numpy(mask),
        encode_masks(mask[None])[0],
        [[20, 10, 40, 10, 40, 30, 20, 30]],
    ]
    rles = to_prompts(KnownObjects(forms), 96, 96, CLASSES).masks
    assert all(rle_area(rle) == 400 for rle in rles)
    box = to_prompts(KnownObjects(boxes=np.array([[20, 10, 40, 30]])), 96, 96, CLASSES)
    assert box.masks[0] == rles[0] and box.is_box.all() and box.labels.tolist() == [-1]
