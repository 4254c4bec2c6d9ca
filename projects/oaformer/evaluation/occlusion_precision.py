"""Amodal average precision by how much of an object is hidden."""

from collections.abc import Mapping, Sequence

import numpy as np

from .engine import BEST_ENGINE
from .functional import MaskEvaluation, evaluate_masks
from .matching import IousByKey
from .occlusion_metrics import OCCLUSION_BUCKETS

RATE_RANGES: dict[str, tuple[float, float]] = {
    # COCO's limits are inside both; those of these buckets only above
    **{
        name: (float(np.nextafter(low, np.inf)), high)
        for name, (low, high) in OCCLUSION_BUCKETS.items()
    },
    '15': (0.15, np.inf),
    '25': (0.25, np.inf),
    '40': (0.40, np.inf),
}
"""Lowest and highest occlusion rate of the buckets, both inside.

'none', 'partial' and 'heavy' are amodalAPI's (Zhu et al., Semantic amodal segmentation,
CVPR 2017). '15', '25' and '40' (at least so many percent) are AP-Occluded's in the
evaluation of Xiao et al. (Amodal segmentation based on visible region segmentation and
shape prior, AAAI 2021).
"""


def evaluate_by_occlusion(
    ground_truth: Sequence[Mapping],
    detections: Sequence[Mapping],
    images: Sequence[Mapping],
    category_ids: Sequence[int],
    ious: IousByKey,
    max_dets: int = 100,
    engine: str = BEST_ENGINE,
    rules: Sequence[str] = ('ignore', 'by_rate'),
) -> dict[str, MaskEvaluation]:
    """Evaluate masks once for each bucket of occlusion, under two rules.

    An object outside a bucket is ignored as COCO ignores objects of another size: it
    need not be found, and a detection that found it does not count. A detection that
    found nothing is

    - under the rule 'ignore' a false positive of every bucket;
    - under the rule 'by_rate' a false positive of the buckets in which its own
      predicted occlusion rate lies. It is COCO's treatment of sizes, with the rate in
      place of the area. AP-Occluded (Xiao et al., AAAI 2021) does the same with the
      ratio of its predicted masks.

    Args:
        ground_truth: Objects as in :func:`~.functional.evaluate_masks`, with
            ``occlusion_rate`` in [0, 1].
        detections: Detections as there; for 'by_rate' with ``occlusion_rate``.
        images: As there.
        category_ids: As there.
        ious: As there.
        max_dets: Detection limit per image and category.
        engine: As there.
        rules: The rules to evaluate under.

    Returns:
        By rule, with the buckets as ``areas``.
    """
    objects = [{**item, 'area': item['occlusion_rate']} for item in ground_truth]
    return {
        rule: evaluate_masks(
            objects,
            [
                {
                    **item,
                    'area': item['occlusion_rate'] if rule == 'by_rate' else np.nan,
                }
                for item in detections
            ],
            images,
            category_ids,
            [max_dets],
            engine,
            ious,
            RATE_RANGES,
        )
        for rule in rules
    }
