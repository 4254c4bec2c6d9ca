"""The classification loss of a stage."""

from collections.abc import Sequence

from mmdet.utils import ConfigType
from torch import Tensor, nn

from ..task_modules import Matches


def with_class_weight(loss_cls: ConfigType, num_classes: int) -> ConfigType:
    """Write out ``bg_cls_weight`` as the list ``class_weight``.

    Args:
        loss_cls: Config of the loss; not changed.
        num_classes: K, without background.

    Returns:
        The config with 1 for each class and ``bg_cls_weight`` for the background;
        unchanged without that key.
    """
    if 'bg_cls_weight' not in loss_cls:
        return loss_cls
    loss_cls = loss_cls.copy()
    loss_cls['class_weight'] = [1.0] * num_classes + [loss_cls.pop('bg_cls_weight')]
    return loss_cls


def class_loss(
    loss_cls: nn.Module,
    cls_score: Tensor,
    target_labels: Tensor,
    match: Matches,
    class_weight: Sequence[float],
) -> Tensor:
    """Classification loss over all queries; those without an object are background.

    Args:
        loss_cls: MMDetection's loss.
        cls_score: Class logits, background last, (B, Q, K + 1).
        target_labels: Class of each object of the batch, (N,).
        match: The matches of the stage.
        class_weight: Weight of each class, background last, K + 1 of them.

    Returns:
        The loss, a scalar: the mean weighted by ``class_weight``.
    """
    # (B, Q), background where nothing is matched
    labels = target_labels.new_full(cls_score.shape[:2], cls_score.shape[-1] - 1)
    labels[match.image, match.query] = target_labels[match.instance]
    labels = labels.flatten()
    weight = cls_score.new_tensor(class_weight)
    return loss_cls(cls_score.flatten(0, 1), labels, avg_factor=weight[labels].sum())
