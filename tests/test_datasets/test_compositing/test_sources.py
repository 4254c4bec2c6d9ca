import json

import cv2
import numpy as np
import pytest
from compositing_cases import write_data_set

from oaformer.datasets.compositing import CutOutSource, UnoccludedRules


@pytest.mark.parametrize(
    ('occlusion', 'candidates', 'left_out'),
    [
        (False, [*range(11, 20)], 'nothing'),
        (True, [12, 13, 15, 16, 18, 19], '3 occluded'),
    ],
)
def test_whole_objects(tmp_path, occlusion, candidates, left_out):
    source = CutOutSource(str(write_data_set(tmp_path, occlusion)), str(tmp_path))
    assert source.knows_occlusion == occlusion
    assert [one['id'] for one in source.candidates] == candidates
    assert source.left_out_summary() == left_out


def test_a_rate_without_a_visible_mask_counts(tmp_path):
    path = write_data_set(tmp_path, False, number=1)
    content = json.loads(path.read_text())
    rates = [0.4, 0.0, 1e-9]
    for annotation, rate in zip(content['annotations'], rates, strict=True):
        annotation['occlude_rate'] = rate
    path.write_text(json.dumps(content))
    source = CutOutSource(str(path), str(tmp_path))
    assert [one['id'] for one in source.candidates] == [12, 13]
    assert source.left_out_summary() == '1 occluded'


def test_cut_outs_keep_their_relative_size_and_origin(tmp_path):
    source = CutOutSource(str(write_data_set(tmp_path, True)), str(tmp_path))
    rng = np.random.default_rng(0)
    for _ in range(20):
        cut, fields = source.draw(rng, (30, 40))
        # 16 x 18 pixels in 60 x 80, and jitter of 1.25 either way
        assert 6 <= cut.mask.shape[0] <= 10 and 7 <= cut.mask.shape[1] <= 12
        assert cut.mask.all()
        (annotation,) = [
            one
            for one in source.candidates
            if one['id'] == fields['source_annotation_id']
        ]
        assert fields['category_id'] == annotation['category_id']
        assert fields['source_image_id'] == annotation['image_id']
        assert fields['source_file_name'] == f'{annotation["image_id"]}.png'
        image = cv2.imread(str(tmp_path / fields['source_file_name']))
        x, y, _, _ = (int(side) for side in annotation['bbox'])
        np.testing.assert_allclose(cut.pixels - image[y, x].astype(int), 0, atol=1)
    # never enlarged, however large the image
    assert source.draw(rng, (600, 800))[0].mask.shape == (16, 18)
    # never more than 0.6 of the shorter side: 6 of 10 pixels
    assert max(source.draw(rng, (10, 800))[0].mask.shape) <= 6


def test_errors_name_file_and_remedy(tmp_path):
    path = write_data_set(tmp_path, True)
    with pytest.raises(ValueError, match='no object is whole; .* 6 too small, 3'):
        CutOutSource(str(path), str(tmp_path), UnoccludedRules(min_area=0.5))
    with pytest.raises(FileNotFoundError, match='image 1 is missing.*--img-dir'):
        CutOutSource(str(path), str(tmp_path / 'elsewhere'))
    source = CutOutSource(str(path), str(tmp_path))
    cv2.imwrite(str(tmp_path / '2.png'), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(ValueError, match=r'2.png \(image 2\) is 9 x 9 pixels, .* 60 x'):
        source.image(2)
    content = json.loads(path.read_text())
    content['annotations'][0]['segmentation']['counts'] = 'P'
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match='source.json: annotation 11'):
        CutOutSource(str(path), str(tmp_path))
