"""The occlusion-rate annotation transform."""

from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS

from .loading import loaded_masks


@TRANSFORMS.register_module()
class OcclusionRate(BaseTransform):
    """Choose which occlusion rates the carrier holds.

    The annotated rates are those of the whole objects, as the paper has them. A crop
    may have cut away the hidden part of an object: 'recomputed', placed after all
    transforms that move, cut or paste instances, replaces the rates by 1 - visible /
    amodal area of the masks as they are. Modified key: ``gt_masks``
    (:class:`AmodalMasks`), whose ``occlusion_rates`` are float32 in [0, 1], shape (N,).

    Args:
        mode: 'annotated' keeps the rates as loaded, as a pipeline without this step
            does; 'recomputed' measures them: 0 for an object with a rate and no mask of
            its visible or invisible part.

    Raises:
        ValueError: If ``mode`` is neither of the two.
        TypeError: If ``gt_masks`` is not the carrier.
    """

    def __init__(self, mode: str = 'annotated') -> None:
        if mode not in ('annotated', 'recomputed'):
            raise ValueError(f"mode must be 'annotated' or 'recomputed', not {mode!r}")
        self.mode = mode

    def transform(self, results: dict) -> dict:
        """Choose the rates of ``results['gt_masks']``."""
        masks = loaded_masks(results)
        if self.mode == 'recomputed':
            rates = masks.recomputed_occlusion_rates()
            results['gt_masks'] = masks.with_occlusion_rates(rates)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(mode={self.mode!r})'
