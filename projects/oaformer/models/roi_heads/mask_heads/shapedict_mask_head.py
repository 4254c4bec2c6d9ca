"""ShapeDict's mask head."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from mmdet.models.task_modules import SamplingResult
from mmdet.registry import MODELS
from mmdet.utils import ConfigType, InstanceList
from mmengine.model import normal_init, xavier_init
from torch import Tensor, nn

from ...losses import matching_loss, weighted_mask_loss
from ...shape_priors import ShapePriors, mask_ious
from .fcn_amodal_mask_head import FCNAmodalMaskHead

# share of the loss where the reclassification is given the annotated visible mask
_GUIDED_RECLASSIFICATION = 0.1


class BranchOutput(NamedTuple):
    """One pass of a branch over N RoIs.

    Attributes:
        logits: Mask logits of each RoI's class, (N, 28, 28).
        features: Features after the last convolution, (N, C, 14, 14), and after the
            upsampling, (N, C, 28, 28).
    """

    logits: Tensor
    features: tuple[Tensor, Tensor]


class Passes(NamedTuple):
    """Both passes of both branches.

    Attributes:
        coarse: Output by branch.
        refined: The same after refinement; the coarse output itself where there is
            nothing to refine it by.
        priors: Shapes that are near to the coarse amodal masks, (N, k, 14, 14), or
            None.
    """

    coarse: dict[str, BranchOutput]
    refined: dict[str, BranchOutput]
    priors: Tensor | None


@MODELS.register_module()
class ShapeDictMaskHead(FCNAmodalMaskHead):
    """Amodal and visible masks that refine each other, and shapes of the class.

    Xiao et al., Amodal Segmentation Based on Visible Region Segmentation and Shape
    Prior (AAAI 2021), after its released code and without the faults of it that
    docs/systems.md names. The class of a RoI is the annotated one in training and the
    predicted one at test time, so :meth:`forward` asks for it;
    :class:`ShapeDictRoIHead` does the rest.

    Args:
        num_classes: Number of classes.
        in_channels: Channels of the RoI features.
        cross_task: Whether each branch runs a second time on features weighted by the
            mask of the other one.
        shape_priors: Arguments of :class:`ShapePriors` but ``num_classes``. None goes
            without, and then neither refinement nor scores use them.
        num_priors: Shapes that the second amodal pass sees; 0 for none.
        matching_weights: Weights of the losses that draw the features of the refined
            pass to those with the annotated masks, after the last convolution and after
            the upsampling. None goes without.
        reclassification: ``loss_weight`` and ``channels`` of the layers that classify
            RoIs by their visible part. None goes without.
        **kwargs: Arguments of :class:`FCNAmodalMaskHead`.

    Raises:
        ValueError: If features are to be matched without ``cross_task``.
    """

    branches = ('amodal', 'visible')

    def __init__(
        self,
        num_classes: int = 80,
        in_channels: int = 256,
        cross_task: bool = True,
        shape_priors: ConfigType | None = None,
        num_priors: int = 16,
        matching_weights: tuple[float, float] | None = (0.01, 0.05),
        reclassification: ConfigType | None = None,
        **kwargs,
    ) -> None:
        super().__init__(num_classes, in_channels=in_channels, **kwargs)
        if matching_weights and not cross_task:
            raise ValueError(
                'matching_weights compare the pass on annotated masks with that on '
                'predicted ones: without cross_task set matching_weights=None'
            )
        self.cross_task = cross_task
        self.matching_weights = matching_weights
        self.shape_priors, self.fuse = None, None
        self.num_priors = num_priors
        if shape_priors is not None:
            self.shape_priors = ShapePriors(num_classes, **shape_priors)
            if num_priors:
                self.fuse = nn.Conv2d(in_channels + num_priors, in_channels, 3, 1, 1)
        self.reclassifier = None
        if reclassification is not None:
            self.reclassification_weight = reclassification['loss_weight']
            channels = reclassification.get('channels', 1024)
            self.reclassifier = nn.Sequential(
                nn.Flatten(),
                nn.Linear(in_channels * 14 * 14, channels),
                nn.ReLU(inplace=True),
                nn.Linear(channels, channels),
                nn.ReLU(inplace=True),
                nn.Linear(channels, num_classes),
            )

    def init_weights(self) -> None:
        """As MMDetection's box heads, and convolutions as its mask heads."""
        super().init_weights()
        if self.reclassifier is not None:
            for index in (1, 3):
                xavier_init(self.reclassifier[index], distribution='uniform')
            normal_init(self.reclassifier[5], std=0.01)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        """Predict the masks of RoIs.

        Args:
            x: Features of the RoIs, (N, in_channels, 14, 14).
            labels: Class of each, (N,).

        Returns:
            Refined logits of amodal and visible mask, of the RoI's class, (N, 2, 28,
            28).
        """
        refined = self.passes(x, labels).refined
        return torch.stack([refined[name].logits for name in self.branches], dim=1)

    def no_predictions(self, like: Tensor) -> Tensor:
        """See :meth:`BaseAmodalMaskHead.no_predictions`."""
        return like.new_zeros((0, len(self.branches), 1, 1))

    def by_branch(self, mask_preds: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The logits of :meth:`forward`, which are of the labels' classes already."""
        return dict(zip(self.branches, mask_preds.unbind(1), strict=True))

    def passes(self, x: Tensor, labels: Tensor) -> Passes:
        """Coarse and refined masks; see :meth:`forward`."""
        coarse = {name: self.run_branch(name, x, labels) for name in self.branches}
        priors = None
        if self.fuse is not None:
            shapes = self.shape_priors.nearest_shapes(
                coarse['amodal'].logits > 0, labels, self.num_priors
            )
            priors = F.avg_pool2d(shapes, 2)
        refined = dict(coarse)
        amodal_input = x
        if self.cross_task:
            seen = x * attention(coarse['amodal'].logits)
            refined['visible'] = self.run_branch('visible', seen, labels)
            amodal_input = x * attention(refined['visible'].logits)
        if self.cross_task or self.fuse is not None:
            amodal_input = self.with_priors(amodal_input, priors)
            refined['amodal'] = self.run_branch('amodal', amodal_input, labels)
        return Passes(coarse, refined, priors)

    def run_branch(self, name: str, x: Tensor, labels: Tensor) -> BranchOutput:
        """One pass of a branch; see :meth:`forward`."""
        trunk = self.trunks[name]
        for conv in trunk.convs:
            x = conv(x)
        upsampled = trunk.upsample(x).relu()
        # trunk.conv_logits, of each RoI's class only
        weight, bias = trunk.conv_logits.weight[labels], trunk.conv_logits.bias[labels]
        # (N, 1, C) @ (N, C, 784) -> (N, 1, 784)
        logits = weight.flatten(1)[:, None] @ upsampled.flatten(2)
        logits = logits[:, 0].unflatten(1, upsampled.shape[-2:]) + bias[:, None, None]
        return BranchOutput(logits, (x, upsampled))

    def with_priors(self, x: Tensor, priors: Tensor | None) -> Tensor:
        """Features of RoIs together with shapes, (N, in_channels, 14, 14)."""
        if priors is None:
            return x
        return self.fuse(torch.cat([x, priors.to(x.dtype)], dim=1))

    def loss_and_target(
        self,
        features: Tensor,
        sampling_results: Sequence[SamplingResult],
        batch_gt_instances: InstanceList,
        rcnn_train_cfg: ConfigType,
    ) -> dict:
        """Losses of all passes.

        Args:
            features: Features of the positive RoIs, (N, in_channels, 14, 14).
            sampling_results: See :meth:`BaseAmodalMaskHead.loss_and_target`.
            batch_gt_instances: See there.
            rcnn_train_cfg: See there.

        Returns:
            As there.
        """
        targets = self.targets(sampling_results, batch_gt_instances, rcnn_train_cfg)
        labels = torch.cat([result.pos_gt_labels for result in sampling_results])
        return dict(
            loss_mask=self.pass_losses(features, labels, targets),
            mask_targets=targets['amodal'],
        )

    def pass_losses(
        self, x: Tensor, labels: Tensor, targets: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """The losses by name.

        Args:
            x: Features of the RoIs, (N, in_channels, 14, 14); N may be 0.
            labels: Class of each, (N,).
            targets: Bool, (N, 28, 28) by branch.

        Returns:
            ``loss_mask`` and ``loss_mask_visible`` of the refined masks, each RoI
            weighted by the IoU of the other branch's coarse mask; ``loss_coarse_*`` of
            the coarse ones; ``loss_guided_*`` of a pass with the annotated masks;
            ``loss_matching`` and ``loss_reclassification``.
        """
        passes = self.passes(x, labels)
        ious = {
            name: mask_ious(output.logits > 0, targets[name])
            for name, output in passes.coarse.items()
        }
        ones = torch.ones_like(ious['amodal'])
        losses = {}
        for name, other in (('amodal', 'visible'), ('visible', 'amodal')):
            coarse, refined = passes.coarse[name], passes.refined[name]
            weights = ones
            if refined is not coarse:
                weights = ious[other]
                losses[f'loss_coarse_{name}'] = self.loss_weights[
                    name
                ] * weighted_mask_loss(coarse.logits, targets[name], ones)
            key = 'loss_mask' if name == 'amodal' else 'loss_mask_visible'
            losses[key] = self.loss_weights[name] * weighted_mask_loss(
                refined.logits, targets[name], weights
            )
        if self.cross_task:
            losses |= self._guided_losses(x, labels, targets, passes)
        if self.reclassifier is not None:
            losses['loss_reclassification'] = self._reclassification_loss(
                x, labels, targets['visible'], passes.refined['visible'].logits
            )
        return losses

    def _guided_losses(
        self, x: Tensor, labels: Tensor, targets: dict[str, Tensor], passes: Passes
    ) -> dict[str, Tensor]:
        amodal, visible = (pooled(targets[name]) for name in ('amodal', 'visible'))
        guided = dict(
            amodal=self.run_branch(
                'amodal', self.with_priors(x * visible, passes.priors), labels
            ),
            visible=self.run_branch('visible', x * amodal, labels),
        )
        ones = x.new_ones(len(x))
        losses = {
            f'loss_guided_{name}': self.loss_weights[name]
            * weighted_mask_loss(output.logits, targets[name], ones)
            for name, output in guided.items()
        }
        if self.matching_weights:
            losses['loss_matching'] = sum(
                weight * matching_loss(ours, theirs)
                for name in self.branches
                for weight, ours, theirs in zip(
                    self.matching_weights,
                    passes.refined[name].features,
                    guided[name].features,
                    strict=True,
                )
            )
        return losses

    def _reclassification_loss(
        self, x: Tensor, labels: Tensor, visible: Tensor, logits: Tensor
    ) -> Tensor:
        predicted = self.reclassifier(x * attention(logits).detach())
        guided = self.reclassifier(x * pooled(visible))
        ious = mask_ious(logits > 0, visible)
        losses = ious * F.cross_entropy(predicted, labels, reduction='none')
        losses = losses + _GUIDED_RECLASSIFICATION * F.cross_entropy(
            guided, labels, reduction='none'
        )
        number = max(2 * len(labels), 1)
        return self.reclassification_weight * losses.sum() / number

    def class_probabilities(
        self, x: Tensor, visible_logits: Tensor, labels: Tensor
    ) -> Tensor:
        """How probable the class of RoIs is by their visible part.

        Args:
            x: Features of the RoIs, (N, in_channels, 14, 14).
            visible_logits: Refined logits of the visible masks, (N, 28, 28).
            labels: Class of each, (N,).

        Returns:
            (N,).
        """
        logits = self.reclassifier(x * attention(visible_logits))
        rows = torch.arange(len(labels), device=labels.device)
        return logits.float().softmax(dim=1)[rows, labels]

    @torch.no_grad()
    def shape_distances(self, amodal_logits: Tensor, labels: Tensor) -> Tensor:
        """Share of the pixels of masks that differ from the nearest shape, (N,)."""
        masks = amodal_logits > 0
        shapes = self.shape_priors.nearest_shapes(masks, labels, 1)[:, 0] > 0.5
        return (masks ^ shapes).flatten(1).float().mean(dim=1)


def attention(logits: Tensor) -> Tensor:
    """Weights of features by mask logits: (N, 28, 28) to (N, 1, 14, 14)."""
    return F.avg_pool2d(logits[:, None], 2).sigmoid()


def pooled(masks: Tensor) -> Tensor:
    """Bool masks at the size of features: (N, 28, 28) to (N, 1, 14, 14)."""
    return F.avg_pool2d(masks[:, None].float(), 2)
