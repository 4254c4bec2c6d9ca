"""The occlusion-rate annotation transform."""

from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS

from .loading import loaded_masks


@TRANSFORMS.register_module()
class OcclusionRate(BaseTransform):
    """Measure the occlusion rate of every instance in the augmented image.

    Without this step the rates are those of the whole objects, as annotated and as
    the paper has them. A crop may have cut away the hidden part of an object: this
    step, placed after all transforms that move, cut or paste instances, replaces the
    rates by 1 - visible / amodal area of the masks as they are. Modified key:
    ``gt_masks`` (:class:`AmodalMasks`), whose ``occlusion_rates`` are float32 in
    [0, 1], shape (N,).

    Args:
        mode: 'recomputed', the only one.

    Raises:
        ValueError: If ``mode`` is another one.
        TypeError: If ``gt_masks`` is not the carrier.
    """

    def __init__(self, mode: str = 'recomputed') -> None:
        if mode == 'annotated':
            raise ValueError(
                "OcclusionRate(mode='annotated') does nothing: LoadAmodalAnnotations "
                'loads the annotated rates. Remove the step from the pipeline.'
            )
        if mode != 'recomputed':
            raise ValueError(f"OcclusionRate: mode must be 'recomputed', not {mode!r}")

    def transform(self, results: dict) -> dict:
        """Replace the rates of ``results['gt_masks']``."""
        masks = loaded_masks(results)
        rates = masks.recomputed_occlusion_rates()
        results['gt_masks'] = masks.with_occlusion_rates(rates)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'
