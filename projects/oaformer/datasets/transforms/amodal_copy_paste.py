"""Copy-paste that keeps amodal masks."""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import autocast_box_type

from ...structures import AmodalMasks
from ..compositing import (
    EDGES,
    CutOut,
    Layers,
    Places,
    UnoccludedRules,
    cut_out,
    draw_edge,
    why_left_out,
)
from .loading import loaded_masks


@TRANSFORMS.register_module()
class AmodalCopyPaste(BaseTransform):
    """Paste whole objects of another training image over this one.

    Replaces MMDetection's ``CopyPaste``, which builds plain masks. Used in the pipeline
    of a ``MultiImageMixDataset``, after the transforms of the images; the two images
    may differ in size.

    Pasted objects are in front and lie wholly within the image. Amodal masks and
    boxes of the objects beneath stay, visible masks shrink, and occlusion rates follow
    (:func:`oaformer.datasets.compositing.layers.occlusion_rates`). No object is
    dropped. Only objects are pasted that are annotated as unoccluded, do not touch the
    border of their augmented image, and are not ignored. The data set's masks must be
    amodal: convert a plain COCO file with ``tools/dataset_converters/make_amodal.py``.

    Required keys: ``img``, ``gt_masks`` (:class:`AmodalMasks`), ``gt_bboxes``,
    ``gt_bboxes_labels``, ``gt_ignore_flags``, ``mix_results``. Modified keys: the
    first five.

    Args:
        prob: Probability that anything is pasted.
        max_num_pasted: Upper limit of the random number of objects to paste.
        occlusion_range: Each pasted object brings one beneath it to an occlusion rate
            drawn uniformly from this range. Without a place for that it hides nothing,
            and without a place for this either it is left out.
        max_occlusion_rate: Upper limit of every object's occlusion rate.
        min_area: Smallest area of a pasted object, as a share of its image's.
        edges: How colors change at the outline of a pasted object, 'rim', 'gaussian'
            or 'poisson' (:mod:`oaformer.datasets.compositing.edges`); one of these is
            drawn for each object. 'poisson' needs images in uint8.

    Raises:
        ValueError: If a setting is out of range, or the transform is used outside a
            ``MultiImageMixDataset``.
        TypeError: If ``gt_masks`` of either image is not the carrier.
    """

    def __init__(
        self,
        prob: float = 1.0,
        max_num_pasted: int = 4,
        occlusion_range: tuple[float, float] = (0.1, 0.7),
        max_occlusion_rate: float = 0.8,
        min_area: float = 0.001,
        edges: Sequence[str] = ('rim',),
    ) -> None:
        low, high = occlusion_range
        if not 0 < low <= high <= max_occlusion_rate <= 1:
            raise ValueError(
                'occlusion_range = (low, high) and max_occlusion_rate must be '
                '0 < low <= high <= max_occlusion_rate <= 1, not '
                f'{occlusion_range} and {max_occlusion_rate}'
            )
        if max_num_pasted < 1 or not 0 <= prob <= 1:
            raise ValueError(
                'max_num_pasted >= 1 and 0 <= prob <= 1 must hold, '
                f'not {max_num_pasted} and {prob}'
            )
        if not edges or not set(edges) <= set(EDGES):
            raise ValueError(f'edges must be some of {tuple(EDGES)}, not {edges!r}')
        self.prob = prob
        self.max_num_pasted = max_num_pasted
        self.occlusion_range = occlusion_range
        self.max_occlusion_rate = max_occlusion_rate
        self.edges = tuple(edges)
        # an object of several pieces is whole if annotated as unoccluded
        self.rules = UnoccludedRules(min_area=min_area, border=1, one_piece=False)

    def get_indexes(self, dataset) -> int:
        """Draw the other image, for ``MultiImageMixDataset``."""
        return int(np.random.randint(len(dataset)))

    @autocast_box_type()
    def transform(self, results: dict) -> dict:
        """Paste objects of ``results['mix_results'][0]`` into ``results``."""
        if 'mix_results' not in results:
            raise ValueError(
                'AmodalCopyPaste needs a second image: put it into the pipeline of a '
                'MultiImageMixDataset, as '
                'configs/oaformer/oaformer_r50_d2sa_copy-paste.py does'
            )
        other = results['mix_results'][0]
        for each in (results, other):
            _check(each)
        if np.random.rand() >= self.prob:
            return results
        # Seeded by numpy's global generator, and so by MMEngine, in workers as well.
        rng = np.random.default_rng(np.random.randint(2**31))
        masks = results['gt_masks']
        layers = Layers(
            results['img'],
            masks.masks,
            masks.visible & masks.masks,
            masks.occlusion_rates,
        )
        ignored = np.asarray(results['gt_ignore_flags'], bool)
        pasted = []
        for index in self._choose(rng, other):
            whole = cut_out(other['img'], other['gt_masks'].masks[index])
            place = self._place(rng, layers, ignored, whole)
            if place is not None:
                layers.paste(whole, place, draw_edge(rng, self.edges))
                pasted.append(index)
                ignored = np.append(ignored, False)
        if pasted:
            _update(results, layers, other['gt_bboxes_labels'][pasted])
        return results

    def _choose(self, rng: np.random.Generator, other: dict) -> np.ndarray:
        """Indices of objects to paste, the rear one first, (n,)."""
        masks, ignored = other['gt_masks'], other['gt_ignore_flags']
        occluded = (masks.occlusion_rates > 0) | (
            masks.recomputed_occlusion_rates() > 0
        )
        whole = [
            index
            for index in range(len(masks))
            if why_left_out(index, masks.masks, occluded, ignored, self.rules) is None
        ]
        number = min(len(whole), self.max_num_pasted)
        if number:
            number = int(rng.integers(1, number + 1))
        return rng.permutation(np.array(whole, int))[:number]

    def _place(
        self,
        rng: np.random.Generator,
        layers: Layers,
        ignored: np.ndarray,
        whole: CutOut,
    ) -> tuple[int, int] | None:
        # crowds and invisible objects are not hidden on purpose
        counted = layers.visible.any(axis=(1, 2)) & ~ignored
        rates = layers.rates[counted]
        places = Places(whole.mask, layers.visible[counted], rates)
        wanted = rng.uniform(*self.occlusion_range)
        for index in rng.permutation(np.flatnonzero(rates < wanted)):
            place = places.hiding(rng, int(index), wanted, self.max_occlusion_rate)
            if place is not None:
                return place
        return places.clear(rng)

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(prob={self.prob}, '
            f'max_num_pasted={self.max_num_pasted}, '
            f'occlusion_range={self.occlusion_range}, '
            f'max_occlusion_rate={self.max_occlusion_rate}, '
            f'min_area={self.rules.min_area}, edges={self.edges})'
        )


def _update(results: dict, layers: Layers, labels: np.ndarray) -> None:
    """Write image and labels; ``labels`` (n,) are those of the n pasted objects."""
    masks = AmodalMasks(
        layers.amodal,
        *layers.amodal.shape[1:],
        visible=layers.visible,
        occlusion_rates=layers.rates,
    )
    boxes, flags = results['gt_bboxes'], results['gt_ignore_flags']
    new_boxes = masks[-len(labels) :].get_bboxes(type(boxes))
    results['img'] = layers.image
    results['gt_masks'] = masks
    results['gt_bboxes'] = boxes.cat([boxes, new_boxes])
    results['gt_bboxes_labels'] = np.concatenate([results['gt_bboxes_labels'], labels])
    results['gt_ignore_flags'] = np.append(flags, np.zeros(len(labels), flags.dtype))


def _check(results: dict) -> None:
    masks = loaded_masks(results)
    if (masks.height, masks.width) != results['img'].shape[:2]:
        raise ValueError(
            f'{results.get("img_path")}: masks are {masks.height} x {masks.width}, '
            f'the image is {results["img"].shape[0]} x {results["img"].shape[1]}: load '
            'annotations before the image is moved'
        )
