"""ShapeDict's RoI head."""

from collections.abc import Iterator, Sequence

import torch
from mmdet.models.layers import multiclass_nms
from mmdet.models.task_modules import SamplingResult
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox2roi
from mmdet.utils import ConfigType, InstanceList
from mmengine.structures import InstanceData
from torch import Tensor

from .amodal_roi_head import AmodalRoIHead
from .rescoring import rescored

# RoIs whose masks are predicted at once at test time
_CHUNK = 256
# Settings of ``test_cfg``, and the part of the mask head that each needs, which is
# built of the argument.
_RESCORING = dict(
    reclassification_rescoring=('reclassifier', 'reclassification'),
    shape_rescoring=('shape_priors', 'shape_priors'),
)


@MODELS.register_module()
class ShapeDictRoIHead(AmodalRoIHead):
    """``AmodalRoIHead`` for :class:`ShapeDictMaskHead`.

    The mask head is given the ground truth in training and the class of each detection
    at test time. Detections are rescored by their masks before the non-maximum
    suppression, as ``test_cfg`` says: ``reclassification_rescoring`` (bool) by what
    class the visible part looks like, ``shape_rescoring`` (the offset of
    :func:`rescored`, or None) by the nearest shape of the class.

    Args:
        **kwargs: Arguments of ``StandardRoIHead``.

    Raises:
        ValueError: If the mask head has not what the rescoring needs.
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        for setting, (part, name) in _RESCORING.items():
            if (self.test_cfg or {}).get(setting) and not getattr(self.mask_head, part):
                raise ValueError(
                    f'test_cfg.rcnn.{setting} needs {name} in the mask head, which '
                    'has none: set it there, or leave the rescoring out'
                )

    def mask_loss(
        self,
        x: Sequence[Tensor],
        sampling_results: Sequence[SamplingResult],
        bbox_feats: Tensor,
        batch_gt_instances: InstanceList,
    ) -> dict:
        """See ``StandardRoIHead``."""
        rois = bbox2roi([result.pos_priors for result in sampling_results])
        return self.mask_head.loss_and_target(
            self.mask_features(x, rois),
            sampling_results,
            batch_gt_instances,
            self.train_cfg,
        )

    def predict_bbox(
        self,
        x: Sequence[Tensor],
        batch_img_metas: Sequence[dict],
        rpn_results_list: InstanceList,
        rcnn_test_cfg: ConfigType,
        rescale: bool = False,
    ) -> InstanceList:
        """See ``StandardRoIHead``; with the masks' logits where they were needed."""
        common = (x, batch_img_metas, rpn_results_list)
        if not any(rcnn_test_cfg.get(setting) for setting in _RESCORING):
            return super().predict_bbox(*common, rcnn_test_cfg, rescale)
        # boxes of all classes before the suppression
        candidates = super().predict_bbox(*common, None, rescale)
        return [
            self._rescored_detections(x, image, each, rcnn_test_cfg)
            for image, each in enumerate(candidates)
        ]

    def predict_mask(
        self,
        x: Sequence[Tensor],
        batch_img_metas: Sequence[dict],
        results_list: InstanceList,
        rescale: bool = False,
    ) -> InstanceList:
        """See ``StandardRoIHead``."""
        mask_preds = []
        for image, results in enumerate(results_list):
            if 'mask_logits' in results:
                mask_preds.append(results.pop('mask_logits'))
                continue
            chunks = self._features(x, image, results.bboxes, results.labels)
            found = [self.mask_head(*chunk) for chunk in chunks]
            nothing = self.mask_head.no_predictions(x[0])
            mask_preds.append(torch.cat(found) if found else nothing)
        return self.mask_head.predict_by_feat(
            mask_preds, results_list, batch_img_metas, self.test_cfg, rescale
        )

    def _features(
        self, x: Sequence[Tensor], image: int, boxes: Tensor, labels: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Features and labels of an image's boxes, so many at a time."""
        rois = torch.cat([boxes.new_full((len(boxes), 1), image), boxes], dim=1)
        for some, classes in zip(rois.split(_CHUNK), labels.split(_CHUNK), strict=True):
            if len(some):
                yield self.mask_features(x, some), classes

    def _rescored_detections(
        self, x: Sequence[Tensor], image: int, candidates: InstanceData, cfg: ConfigType
    ) -> InstanceData:
        """Detections among the boxes of all classes of an image.

        Args:
            x: Features of all levels.
            image: Index of the image.
            candidates: ``bboxes``, (R, 4 C) or (R, 4), and ``scores``, (R, C + 1).
            cfg: Test settings.
        """
        scores = candidates.scores[:, :-1]
        rows, labels = (scores > cfg.score_thr).nonzero(as_tuple=True)
        if not len(rows):
            return InstanceData(
                bboxes=scores.new_zeros((0, 4)),
                scores=scores.new_zeros(0),
                labels=labels,
            )
        # (R, C * 4) -> (R, C, 4)
        boxes = candidates.bboxes.unflatten(1, (-1, 4)).expand(-1, scores.shape[1], -1)
        found = scores[rows, labels]
        logits, factors = [], []
        chunks = self._features(x, image, boxes[rows, labels], labels)
        for features, classes in chunks:
            logits.append(self.mask_head(features, classes))
            factors.append(self._factors(features, classes, logits[-1], cfg))
        probabilities, distances = (
            None if part[0] is None else torch.cat(part)
            for part in zip(*factors, strict=True)
        )
        # as multiclass_nms takes them: 0 for what is not a candidate
        new = torch.zeros_like(candidates.scores)
        new[rows, labels] = rescored(
            found, probabilities, distances, cfg.get('shape_rescoring') or 2.0
        ).to(new.dtype)
        detections, classes, places = multiclass_nms(
            candidates.bboxes, new, 0.0, cfg.nms, cfg.max_per_img, return_inds=True
        )
        # place in the (R, C) table -> number of the candidate
        numbers = torch.zeros(scores.shape, dtype=torch.long, device=rows.device)
        numbers[rows, labels] = torch.arange(len(rows), device=rows.device)
        return InstanceData(
            bboxes=detections[:, :4],
            scores=detections[:, 4],
            labels=classes,
            mask_logits=torch.cat(logits)[numbers.flatten()[places]],
        )

    def _factors(
        self, x: Tensor, labels: Tensor, logits: Tensor, cfg: ConfigType
    ) -> tuple[Tensor | None, Tensor | None]:
        """Probability of its class and distance to its shapes of each RoI."""
        masks = self.mask_head.by_branch(logits, labels)
        probabilities = distances = None
        if cfg.get('reclassification_rescoring'):
            probabilities = self.mask_head.class_probabilities(
                x, masks['visible'], labels
            )
        if cfg.get('shape_rescoring'):
            distances = self.mask_head.shape_distances(masks['amodal'], labels)
        return probabilities, distances
