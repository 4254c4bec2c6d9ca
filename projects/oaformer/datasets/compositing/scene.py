"""An image of objects with their labels."""

from typing import NamedTuple

import numpy as np


class SceneObject(NamedTuple):
    """An object of a composed or drawn image or of a background.

    Attributes:
        amodal: The whole object, (H, W) uint8 of 0 and 1.
        visible: Its visible part, likewise.
        fields: Further keys of its annotation: category and where it comes from.
    """

    amodal: np.ndarray
    visible: np.ndarray
    fields: dict

    @property
    def occlusion_rate(self) -> float:
        """Invisible area / amodal area."""
        return 1.0 - int(self.visible.sum()) / int(self.amodal.sum())

    @property
    def ignored(self) -> bool:
        """Whether it is a crowd or marked to be ignored."""
        return bool(self.fields.get('iscrowd') or self.fields.get('ignore'))


class Scene(NamedTuple):
    """An image and all its annotated objects; without objects, a mere background.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        objects: The objects, front-most first where their order is known.
        num_ordered: Of how many of them, from the first, the depth order is known.
        origin: Keys of the image's entry that say where it comes from.
    """

    image: np.ndarray
    objects: list[SceneObject]
    num_ordered: int
    origin: dict
