import pytest
import torch

from oaformer.evaluation.ground_truth import AmodalGroundTruth
from oaformer.evaluation.predictions import (
    PredictionError,
    coco_detections,
    compact_prediction,
)


def detections(path, name):
    """Nothing predicted on an image, which the annotation file has under a name."""
    instances = dict(labels=torch.zeros(0, dtype=torch.int64), scores=torch.zeros(0))
    sample = dict(img_id=1, pred_instances=instances | dict(masks=[]))
    image = dict(id=1, height=4, width=4, file_name=name)
    truth = AmodalGroundTruth('val.json', {1: image}, [], dict(cup=1), False)
    kept = compact_prediction(sample | ({} if path is None else dict(img_path=path)))
    return coco_detections([kept], truth, [1])


@pytest.mark.parametrize(
    ('path', 'name'),
    [
        ('data/val/1.png', '1.png'),
        ('data/val/1.jpg', 'rgb/1.png'),
        ('val2017/000001.jpg', 'COCO_val2014_000001.jpg'),
        (None, '1.png'),
        ('data/1.png', None),
    ],
)
def test_the_images_of_the_annotation_file(path, name):
    assert detections(path, name) == []


def test_images_of_another_file_under_the_same_ids():
    with pytest.raises(
        PredictionError, match=r'image 1 is val_1\.png in val\.json, but'
    ):
        detections('data/test_1.png', 'val_1.png')
