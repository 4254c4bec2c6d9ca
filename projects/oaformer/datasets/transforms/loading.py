"""Loading of amodal annotations into the pipeline."""

from mmdet.datasets.transforms import LoadAnnotations
from mmdet.registry import TRANSFORMS

from ...structures import AmodalMasks
from ..findings import AnnotationError


def loaded_masks(results: dict) -> AmodalMasks:
    """The carrier under ``results['gt_masks']``.

    Raises:
        TypeError: If a transform has replaced it by plain masks.
    """
    masks = results['gt_masks']
    if not isinstance(masks, AmodalMasks):
        raise TypeError(
            f'{results.get("img_path")}: gt_masks is {type(masks).__name__}, not '
            'AmodalMasks. Load with LoadAmodalAnnotations, and remove transforms that '
            'build plain masks and lose the visible ones (CopyPaste, Albu, '
            'RandomErasing); AmodalCopyPaste replaces CopyPaste.'
        )
    return masks


@TRANSFORMS.register_module()
class LoadAmodalAnnotations(LoadAnnotations):
    """Load boxes, labels and the :class:`AmodalMasks` carrier.

    Masks stay encoded until a later transform or the model reads pixels, so
    a test pipeline decodes none.

    Required keys: ``ori_shape``, ``instances``. Added keys: ``gt_bboxes``,
    ``gt_bboxes_labels``, ``gt_ignore_flags``, ``gt_masks``.

    Args:
        **kwargs: Arguments of :class:`mmdet.datasets.transforms.LoadAnnotations`.
            Boxes, labels and masks are always loaded.

    Raises:
        AnnotationError: If a mask's size differs from its image's.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(with_bbox=True, with_label=True, with_mask=True, **kwargs)

    def _load_masks(self, results: dict) -> None:
        height, width = results['ori_shape']
        instances = results.get('instances', [])
        for instance in instances:
            size = tuple(instance['mask']['size'])
            if size == (height, width):
                continue
            remedy = (
                'Are these the images that the annotations were made for? (D2SA pads '
                'some: use its own, not those of D2S.)'
            )
            if size == (width, height):
                remedy = (
                    'Height and width are exchanged: correct them in the annotation '
                    'file, or, if EXIF turns the image, store it as it was annotated.'
                )
            raise AnnotationError(
                f'image {results.get("img_id")}: {results["img_path"]} is {height} x '
                f'{width} pixels as read (height x width), but the mask of annotation '
                f'{instance["annotation_id"]} is {size[0]} x {size[1]}. {remedy} '
                'check_amodal.py lists all such images.'
            )
        results['gt_masks'] = AmodalMasks(
            [instance['mask'] for instance in instances],
            height,
            width,
            visible=[
                instance['visible_mask'] or instance['mask'] for instance in instances
            ],
            occlusion_rates=[instance['occlusion_rate'] for instance in instances],
        )
