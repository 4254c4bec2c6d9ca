"""What the mask heads of two-stage systems have in common."""

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from mmdet.models.task_modules import SamplingResult
from mmdet.utils import ConfigType, InstanceList
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from ....structures import AmodalMasks, as_amodal_instances
from ..mask_pasting import paste_masks
from ..mask_targets import roi_mask_targets


class BaseAmodalMaskHead(BaseModule, metaclass=ABCMeta):
    """A mask head that predicts several masks of a RoI, the amodal one among them.

    A subclass names its :attr:`branches` and predicts them in :meth:`forward`, one
    behind the other on the channel axis: ``StandardRoIHead`` splits one tensor among
    the images. 'amodal' and 'visible' become the masks of the prediction; other
    branches serve the training.

    Args:
        num_classes: C, number of classes.
        class_agnostic: Whether a branch has one mask for all classes, not C.
        loss_weights: Weight of the loss of each branch; 1 where it is not named.
        init_cfg: As in MMEngine.

    Raises:
        ValueError: If a weight belongs to none of the branches.
    """

    branches: tuple[str, ...] = ('amodal',)

    def __init__(
        self,
        num_classes: int,
        class_agnostic: bool = False,
        loss_weights: Mapping[str, float] | None = None,
        init_cfg: ConfigType | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_classes = num_classes
        self.class_agnostic = class_agnostic
        weights = dict(loss_weights or {})
        if unknown := weights.keys() - set(self.branches):
            raise ValueError(
                f'loss_weights of {type(self).__name__} are those of {self.branches}, '
                f'not {sorted(unknown)}'
            )
        self.loss_weights = dict.fromkeys(self.branches, 1.0) | weights

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Predict the masks of RoIs.

        Args:
            x: Features of the RoIs, (N, channels, 14, 14).

        Returns:
            Mask logits, (N, branches * C', h, w); C' is 1 or the number of classes.
        """

    def no_predictions(self, like: Tensor) -> Tensor:
        """The result of :meth:`forward` without RoIs, on the device of a tensor."""
        classes = 1 if self.class_agnostic else self.num_classes
        return like.new_zeros((0, len(self.branches) * classes, 1, 1))

    def by_branch(self, mask_preds: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The mask logits of each branch, of one class.

        Args:
            mask_preds: Result of :meth:`forward`.
            labels: Class of each RoI, (N,).

        Returns:
            (N, h, w) by name.
        """
        # (N, branches * C', h, w) -> (N, branches, C', h, w)
        logits = mask_preds.unflatten(1, (len(self.branches), -1))
        rows = torch.arange(len(labels), device=labels.device)
        channels = torch.zeros_like(labels) if self.class_agnostic else labels
        logits = logits[rows, :, channels]
        return dict(zip(self.branches, logits.unbind(1), strict=True))

    def loss_and_target(
        self,
        mask_preds: Tensor,
        sampling_results: Sequence[SamplingResult],
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigType,
    ) -> dict:
        """Losses of all branches, as ``StandardRoIHead`` asks for them.

        Args:
            mask_preds: Result of :meth:`forward` for the positive RoIs.
            sampling_results: The RoIs of each image.
            batch_gt_instances: Ground truth with :class:`AmodalMasks`.
            rcnn_train_cfg: ``mask_size``.

        Returns:
            ``loss_mask``: ``loss_mask`` of the amodal and ``loss_mask_*`` of each other
            branch; ``mask_targets``, the amodal ones.

        Raises:
            ValueError: If the ground truth has no visible masks and a branch needs
                them.
        """
        targets = self.targets(sampling_results, batch_gt_instances, rcnn_train_cfg)
        if len(mask_preds):
            labels = torch.cat([result.pos_gt_labels for result in sampling_results])
            losses = self.losses(self.by_branch(mask_preds, labels), targets)
        else:
            # every parameter gets a gradient, as other processes expect
            losses = dict.fromkeys(self.branches, mask_preds.sum() * 0)
        return dict(
            loss_mask={
                'loss_mask' + ('' if name == 'amodal' else f'_{name}'): (
                    loss * self.loss_weights[name]
                )
                for name, loss in losses.items()
            },
            mask_targets=targets['amodal'],
        )

    def losses(
        self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Binary cross-entropy of each branch, without the weights.

        Args:
            logits: Mask logits by branch, (N, h, w), N > 0.
            targets: Targets by branch, bool, (N, h, w).
        """
        return {
            name: F.binary_cross_entropy_with_logits(
                logits[name], targets[name].float()
            )
            for name in self.branches
        }

    def targets(
        self,
        sampling_results: Sequence[SamplingResult],
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigType,
    ) -> dict[str, Tensor]:
        """Targets of all branches for the positive RoIs, bool, (N, h, w) by branch."""
        size = rcnn_train_cfg['mask_size']
        size = (size, size) if isinstance(size, int) else tuple(size)
        images = [
            self._image_targets(
                result.pos_priors, result.pos_assigned_gt_inds, instances, size
            )
            for result, instances in zip(
                sampling_results, batch_gt_instances, strict=True
            )
        ]
        return {name: torch.cat([one[name] for one in images]) for name in images[0]}

    def _image_targets(
        self,
        boxes: Tensor,
        objects: Tensor,
        instances: InstanceData,
        size: tuple[int, int],
    ) -> dict[str, Tensor]:
        masks = self.object_masks(instances, boxes.device)
        stacked = torch.stack([mask.to(torch.uint8) for mask in masks.values()], dim=1)
        crops = roi_mask_targets(stacked, boxes, objects, size)
        targets = dict(zip(masks, crops.unbind(1), strict=True))
        if 'invisible' in self.branches:
            # of the crops: a crop of the invisible mask would round differently
            targets['invisible'] = targets['amodal'] ^ targets['visible']
        return targets

    def object_masks(
        self, instances: InstanceData, device: torch.device
    ) -> dict[str, Tensor]:
        """Masks of the objects of an image, from which targets are cropped.

        Args:
            instances: Ground truth of an image.
            device: Device of the result.

        Returns:
            uint8 or bool masks, (G, H, W), by name; 'amodal' and, where a branch needs
            them, 'visible' and others.
        """
        carrier = instances.masks
        masks = dict(amodal=torch.from_numpy(carrier.masks).to(device))
        if len(self.branches) > 1:
            if not isinstance(carrier, AmodalMasks):
                raise ValueError(
                    f'{type(self).__name__} learns visible masks, and '
                    f'gt_instances.masks is {type(carrier).__name__}, which has none: '
                    'the pipeline needs LoadAmodalAnnotations and PackAmodalInputs'
                )
            masks['visible'] = torch.from_numpy(carrier.visible).to(device)
        return masks

    def predict_by_feat(
        self,
        mask_preds: Sequence[Tensor],
        results_list: InstanceList,
        batch_img_metas: Sequence[dict],
        rcnn_test_cfg: ConfigType,
        rescale: bool = False,
        activate_map: bool = False,
    ) -> InstanceList:
        """Put masks to the detections of each image.

        Args:
            mask_preds: Result of :meth:`forward`, for each image.
            results_list: Detections: boxes in pixels of the network's input.
            batch_img_metas: ``ori_shape`` and ``scale_factor`` of each image.
            rcnn_test_cfg: ``mask_thr_binary``, lowest probability inside a mask.
            rescale: Whether boxes and masks go to the original image's size.
            activate_map: Whether ``mask_preds`` are probabilities, as those of test
                time augmentation are.

        Returns:
            For each image the form of :func:`as_amodal_instances`.
        """
        return [
            self._image_instances(*one, rcnn_test_cfg, rescale, activate_map)
            for one in zip(mask_preds, results_list, batch_img_metas, strict=True)
        ]

    def _image_instances(
        self,
        mask_preds: Tensor,
        results: InstanceData,
        img_meta: dict,
        rcnn_test_cfg: ConfigType,
        rescale: bool,
        activate_map: bool,
    ) -> InstanceData:
        boxes = results.bboxes
        scale = boxes.new_tensor(img_meta['scale_factor'])
        size = tuple(int(side) for side in img_meta['ori_shape'][:2])
        if rescale:
            boxes = boxes / scale.repeat(2)
        else:
            # as FCNMaskHead rounds
            size = tuple(
                round(side * float(factor))
                for side, factor in zip(size, scale.flip(0), strict=True)
            )
        fields = dict(labels=results.labels, scores=results.scores, bboxes=boxes)
        logits = self.by_branch(mask_preds.float(), results.labels)
        for name, key in (('amodal', 'masks'), ('visible', 'visible_masks')):
            if name in logits:
                masks = logits[name] if activate_map else logits[name].sigmoid()
                threshold = rcnn_test_cfg['mask_thr_binary']
                fields[key] = paste_masks(masks, boxes, size, threshold)
        return as_amodal_instances(fields)
