"""An object of a composed image."""

from typing import NamedTuple

import numpy as np


class SceneObject(NamedTuple):
    """An object of a composite, a background or a drawn scene, with its labels.

    Attributes:
        amodal: The whole object, (H, W) uint8 of 0 and 1.
        visible: Its visible part, (H, W) uint8 of 0 and 1.
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
