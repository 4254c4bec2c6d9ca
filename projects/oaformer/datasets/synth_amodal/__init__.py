"""SynthAmodal, a synthetic data set: textured shapes with a known depth order.

Every object is a regular shape, so its hidden part follows from its visible part, and
every class has its own band of hues, so that a small model learns the classes within
minutes. The background is grey. Masks are drawn without anti-aliasing and images are
composed from the masks, so both agree on every pixel.
"""

from .dataset import SynthAmodalDataset, write_split
from .scenes import MAX_OCCLUSION, draw_scene
from .shapes import CLASSES

__all__ = [
    'CLASSES',
    'MAX_OCCLUSION',
    'SynthAmodalDataset',
    'draw_scene',
    'write_split',
]
