"""Which instance lies in front of which."""

from mmengine.structures import InstanceData

from ..evaluation.occlusion_order import (
    front_to_back,
    occlusion_order,
    occlusion_order_by_rate,
)
from .results import instance_rles


def occlusion_layers(instances: InstanceData) -> list[int] | None:
    """Layer of each instance of an image, counted from the front.

    Of two instances whose amodal masks overlap, that one is in front whose visible
    mask holds more of the overlap or, where no visible masks are predicted, the less
    occluded one. Instances that do not touch need no order, so they may share a layer.

    Args:
        instances: Predicted instances; leave out those below the score threshold
            first.

    Returns:
        For each instance 0 where no other is in front of it, otherwise one more than
        the last layer in front of it. None where neither visible masks nor occlusion
        rates are predicted.
    """
    amodal = instance_rles(instances.masks)
    if 'visible_masks' in instances:
        pairs = occlusion_order(amodal, instance_rles(instances.visible_masks))
    elif 'occlusion_rates' in instances:
        rates = instances.occlusion_rates.cpu().numpy()
        pairs = occlusion_order_by_rate(amodal, rates)
    else:
        return None
    fronts: list[list[int]] = [[] for _ in amodal]
    for front, back in pairs.tolist():
        fronts[back].append(front)
    layers: dict[int, int] = {}
    for index in front_to_back(pairs, len(amodal)):
        # In a cycle one pair has to give way: its front comes later in this order.
        before = [layers[front] for front in fronts[index] if front in layers]
        layers[index] = max(before, default=-1) + 1
    return [layers[index] for index in range(len(amodal))]
