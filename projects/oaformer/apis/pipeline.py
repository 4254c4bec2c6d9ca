"""From a config's test pipeline to one for images without ground truth."""

from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose

from .errors import ModelError

# What reads or needs the ground truth.
ANNOTATION_TRANSFORMS = (
    'LoadAmodalAnnotations',
    'LoadAnnotations',
    'OcclusionRate',
    'FilterAnnotations',
)


def inference_pipeline(cfg: Config | ConfigDict) -> tuple[BaseTransform, Compose]:
    """Take the test pipeline apart: reading an image, and what follows.

    Args:
        cfg: The config; what counts is its test data set's pipeline.

    Returns:
        The transform that reads an image from ``dict(img_path=...)``, and those that
        make of ``dict(img=...)`` what the model takes. The latter need
        neither ground truth nor a data set.

    Raises:
        ModelError: If the config has no test pipeline that begins with
            ``LoadImageFromFile``.
    """
    dataset = cfg.get('test_dataloader', {}).get('dataset', {})
    steps = [dict(step) for step in dataset.get('pipeline', [])]
    if not steps or _name(steps[0]) != 'LoadImageFromFile':
        raise ModelError(
            'the config has no test_dataloader.dataset.pipeline that begins with '
            'LoadImageFromFile'
        )
    loader = TRANSFORMS.build(steps[0])
    steps[0]['type'] = 'LoadImageFromNDArray'
    return loader, Compose(
        [step for step in steps if _name(step) not in ANNOTATION_TRANSFORMS]
    )


def _name(step: dict) -> str:
    """Name of a transform, whether it is given with a scope or as a class."""
    kind = step['type']
    return kind.rpartition('.')[2] if isinstance(kind, str) else kind.__name__
