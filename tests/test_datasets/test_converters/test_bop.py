import json

import cv2
import numpy as np
import pytest

from oaformer.datasets.annotation_check import check_annotations
from oaformer.datasets.converters import convert_bop, convert_uoais
from oaformer.structures import decode_masks, rle_area

HEIGHT, WIDTH = 20, 30


def bitmap(*boxes):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for x1, y1, x2, y2 in boxes:
        mask[y1:y2, x1:x2] = 1
    return mask


NOTHING = bitmap()
WHOLE, SEEN = bitmap((5, 5, 25, 15)), bitmap((12, 5, 25, 15))
FRONT = bitmap((2, 2, 12, 12))


def write_scene(scene, images, end='', suffix='.jpg', folder='rgb', info=True):
    """A scene of images: {number: [(object id, silhouette, visible part, share)]}."""
    for kind in (folder, 'mask', 'mask_visib'):
        (scene / f'{kind}{end}').mkdir(parents=True, exist_ok=True)
    gt, infos = {}, {}
    for number, objects in images.items():
        image = np.zeros((*(objects[0][1] if objects else NOTHING).shape, 3), np.uint8)
        cv2.imwrite(str(scene / f'{folder}{end}' / f'{number:06d}{suffix}'), image)
        gt[number] = [dict(obj_id=each[0], cam_t_m2c=[0, 0, 1]) for each in objects]
        infos[number] = [
            dict(visib_fract=each[3], bbox_obj=[-1] * 4) for each in objects
        ]
        for index, (_, whole, seen, _) in enumerate(objects):
            for kind, mask in (('mask', whole), ('mask_visib', seen)):
                path = scene / f'{kind}{end}' / f'{number:06d}_{index:06d}.png'
                cv2.imwrite(str(path), mask * 255)
    (scene / f'scene_gt{end}.json').write_text(json.dumps(gt))
    if info:
        (scene / f'scene_gt_info{end}.json').write_text(json.dumps(infos))


PAIR = [(30, WHOLE, SEEN, 0.65), (7, FRONT, FRONT, 1.0)]


def write_models(folder, *ids):
    folder.mkdir(parents=True)
    (folder / 'models_info.json').write_text(
        json.dumps({str(each): {} for each in ids})
    )


@pytest.fixture
def split(tmp_path):
    """Two scenes of a data set whose objects 2, 7 and 30 have models."""
    split = tmp_path / 'set' / 'train_pbr'
    write_scene(split / '000000', {3: PAIR, 12: []})
    write_scene(split / '000001', {0: PAIR[:1]}, suffix='.png', folder='gray')
    write_models(tmp_path / 'set' / 'models_cad', 2, 7, 30)
    return split


def test_an_annotation_file(split):
    conversion = convert_bop(str(split))
    content = conversion.content
    assert content['images'] == [
        dict(id=number, file_name=name, height=HEIGHT, width=WIDTH)
        for number, name in enumerate(
            [
                '000000/rgb/000003.jpg',
                '000000/rgb/000012.jpg',
                '000001/gray/000000.png',
            ],
            start=1,
        )
    ]
    assert content['categories'] == [
        dict(id=number, name=f'obj_{number:06d}') for number in (2, 7, 30)
    ]
    annotations = content['annotations']
    assert [each['category_id'] for each in annotations] == [30, 7, 30]
    assert [each['image_id'] for each in annotations] == [1, 1, 3]
    assert [each['id'] for each in annotations] == [1, 2, 3]
    plate, cup, _ = annotations
    assert plate['occlude_rate'] == pytest.approx(0.35)
    assert (plate['area'], plate['bbox']) == (200, [5, 5, 20, 10])
    whole, seen = decode_masks([plate['segmentation'], plate['visible_mask']])
    np.testing.assert_array_equal(whole, WHOLE)
    np.testing.assert_array_equal(seen, SEEN)
    assert (cup['occlude_rate'], 'visible_mask' in cup) == (0, False)
    assert not conversion.corrected and not conversion.skipped
    assert check_annotations(content).findings == []
    assert conversion.summary().startswith('BOP: 3 images (1 without objects), 3 obj')


def test_a_single_scene_and_no_models(split, tmp_path):
    content = convert_bop(str(split / '000000')).content
    assert content['images'][0]['file_name'] == 'rgb/000003.jpg'
    assert len(content['categories']) == 3
    (tmp_path / 'set' / 'models_cad' / 'models_info.json').unlink()
    content = convert_bop(str(split / '000000')).content
    assert [each['id'] for each in content['categories']] == [7, 30]


def test_a_sensor(tmp_path):
    write_scene(tmp_path / '000000', {1: PAIR}, end='_cam1', info=False)
    content = convert_bop(str(tmp_path), 'cam1').content
    assert content['images'][0]['file_name'] == '000000/rgb_cam1/000001.jpg'
    assert content['annotations'][0]['occlude_rate'] == pytest.approx(0.35)
    with pytest.raises(ValueError, match=r'has no scene_gt.json, and no folder in it'):
        convert_bop(str(tmp_path))


def test_objects_that_leave_the_image_or_are_hidden(tmp_path):
    objects = [
        # half of it is beyond the edge
        (1, FRONT, FRONT, 0.5),
        (1, WHOLE, NOTHING, 0.0),
        (1, NOTHING, NOTHING, 0.0),
        (1, FRONT, bitmap((2, 2, 13, 12)), 1.0),
    ]
    write_scene(tmp_path, {0: objects})
    conversion = convert_bop(str(tmp_path))
    annotations = conversion.content['annotations']
    assert [each['occlude_rate'] for each in annotations] == [0, 1, 0]
    assert rle_area(annotations[1]['visible_mask']) == 0
    assert conversion.skipped == {'outside the image': 1}
    assert conversion.corrected == {
        'occlusion rate recomputed from the masks': 1,
        'visible mask cut to the amodal mask': 1,
    }


def test_problems_are_named_all_at_once(tmp_path):
    for number in range(5):
        write_scene(tmp_path / f'{number:06d}', {0: PAIR, 1: PAIR})
    (tmp_path / '000000' / 'mask_visib' / '000000_000001.png').unlink()
    (tmp_path / '000000' / 'mask' / '000001_000000.png').write_bytes(b'no image')
    (tmp_path / '000001' / 'rgb' / '000001.jpg').unlink()
    (tmp_path / '000002' / 'scene_gt.json').write_text('[]')
    (tmp_path / '000003' / 'scene_gt_info.json').write_text('{"0": []}')
    (tmp_path / '000004' / 'scene_gt.json').write_text('{"0": [{"obj_id": "x"}]}')
    small = tmp_path / '000001' / 'mask' / '000000_000001.png'
    cv2.imwrite(str(small), NOTHING[:9, :9])
    with pytest.raises(ValueError, match='7 problems') as caught:
        convert_bop(str(tmp_path))
    expected = [
        '000000/mask_visib/000000_000001.png is missing',
        '000000/mask/000001_000000.png could not be read as an image',
        '000001/mask/000000_000001.png is 9 x 9 (height x width), its image 20 x 30',
        '000001: image 1 is missing, such as',
        '000002/scene_gt.json and scene_gt_info.json do not hold the objects',
        '000003/scene_gt.json and scene_gt_info.json do not hold the objects',
        '000004/scene_gt.json and scene_gt_info.json do not hold the objects',
    ]
    lines = str(caught.value).splitlines()[1:]
    for line, words in zip(lines, expected, strict=True):
        assert line.startswith(f'  {tmp_path}/{words}')


def test_real_masks_as_bop_and_as_uoais_are_the_same(syntable_sample, tmp_path):
    source = json.loads((syntable_sample / 'annotation_final.json').read_text())
    expected = convert_uoais(source, 'toy').content
    scene: dict = {each['id']: [] for each in expected['images'][:2]}
    kept = [each for each in expected['annotations'] if each['image_id'] in scene]
    for each in kept:
        seen = each.get('visible_mask', each['segmentation'])
        masks = decode_masks([each['segmentation'], seen])
        scene[each['image_id']].append((1, *masks, 1 - each['occlude_rate']))
    write_scene(tmp_path, scene)
    conversion = convert_bop(str(tmp_path))
    assert not conversion.corrected
    for before, after in zip(kept, conversion.content['annotations'], strict=True):
        assert after.keys() <= before.keys()
        assert all(after[key] == before[key] for key in after)
