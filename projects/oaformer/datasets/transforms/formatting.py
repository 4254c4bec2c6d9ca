"""Packing, the last step of a pipeline."""

from mmdet.datasets.transforms import PackDetInputs
from mmdet.registry import TRANSFORMS

from .loading import loaded_masks


@TRANSFORMS.register_module()
class PackAmodalInputs(PackDetInputs):
    """Pack image and annotation.

    ``gt_instances`` gets ``bboxes``, ``labels`` and ``masks``: the
    :class:`AmodalMasks` with visible masks and occlusion rates. Checks first that
    all of them still belong together.

    Args:
        build_visible: Whether the loader's process builds the visible masks, too:
            True where the model trains visible masks (``loss_visible_mask``).
            Otherwise the training process would build them.
        **kwargs: Arguments of ``PackDetInputs``: ``meta_keys``.

    Raises:
        TypeError: If ``gt_masks`` is no longer the carrier.
        ValueError: If fields differ in length, or masks and image in size.
    """

    def __init__(self, *, build_visible: bool = False, **kwargs) -> None:
        super().__init__(**kwargs)
        self.build_visible = build_visible

    def transform(self, results: dict) -> dict:
        """Pack ``results``; see :class:`mmdet.datasets.transforms.PackDetInputs`."""
        if 'gt_masks' not in results:
            return super().transform(results)
        _check(results)
        packed = super().transform(results)
        masks = packed['data_samples'].gt_instances.masks
        if (masks.height, masks.width) == tuple(results['img_shape'][:2]):
            # a training image: the loader's process builds the pixels of the losses
            masks.build(visible=self.build_visible)
        return packed


def _check(results: dict) -> None:
    masks, path = loaded_masks(results), results.get('img_path')
    for key in ('gt_bboxes', 'gt_bboxes_labels'):
        if key in results and len(results[key]) != len(masks):
            raise ValueError(
                f'{path}: {len(masks)} masks but {len(results[key])} {key}: a '
                'transform filtered instances in some fields only.'
            )
    size = (masks.height, masks.width)
    if size not in (tuple(results['img_shape'][:2]), tuple(results['ori_shape'][:2])):
        raise ValueError(
            f'{path}: masks are {size}, the image is {results["img_shape"][:2]}: a '
            'transform moved the image and not the masks.'
        )
