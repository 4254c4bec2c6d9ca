"""The occlusion-rate annotation transform."""

from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS

from ...structures import AmodalMasks


@TRANSFORMS.register_module()
class OcclusionRate(BaseTransform):
    """Write the occlusion rate of every instance, the target of the ODM.

    Stands after all transforms that choose or move instances. Required key:
    ``gt_masks`` (:class:`AmodalMasks`). Added key: ``gt_occlusion_rates``, float32,
    shape (N,), invisible area / amodal area in [0, 1].

    Args:
        mode: 'annotated' keeps the rate of the whole object, as the paper has it;
            'recomputed' measures it inside the augmented image, where a crop may
            have cut the hidden part away.

    Raises:
        ValueError: If ``mode`` is neither of the two.
        TypeError: If ``gt_masks`` is not the carrier.
    """

    def __init__(self, mode: str = 'annotated') -> None:
        if mode not in ('annotated', 'recomputed'):
            raise ValueError(f"mode must be 'annotated' or 'recomputed', not {mode!r}")
        self.mode = mode

    def transform(self, results: dict) -> dict:
        """Add ``gt_occlusion_rates`` to ``results``."""
        masks = results['gt_masks']
        if not isinstance(masks, AmodalMasks):
            raise TypeError(
                f'gt_masks is {type(masks).__name__}, not AmodalMasks. Load with '
                'LoadAmodalAnnotations, and leave out transforms that build masks of '
                'their own (CopyPaste, Albu, RandomErasing): they lose visible masks.'
            )
        if self.mode == 'annotated':
            results['gt_occlusion_rates'] = masks.occlusion_rates
        else:
            results['gt_occlusion_rates'] = masks.recomputed_occlusion_rates()
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(mode={self.mode!r})'
