"""Images composed of cut-outs, with exact amodal labels.

Whole objects are cut out of images and pasted over each other from back to front. The
label of a pixel is hard: it belongs to the front-most object whose mask has it. Its
color may be mixed where masks end, so that no seam shows, but at least
:data:`OWNER_SHARE` of it is the owner's (:class:`Layers`).
"""

from .backgrounds import BACKGROUNDS, Background, Backgrounds
from .composite import Composite, compose
from .cut_out import OWNER_SHARE, CutOut, cut_out
from .labels import hide_behind, occlusion_rates
from .layers import Layers
from .occlusion_target import OcclusionBin, OcclusionTarget
from .placement import Placement, Places
from .scene_object import SceneObject
from .sources import CutOutSource
from .unoccluded import UnoccludedRules, why_left_out
from .writer import write_composites, write_split

__all__ = [
    'BACKGROUNDS',
    'OWNER_SHARE',
    'Background',
    'Backgrounds',
    'Composite',
    'CutOut',
    'CutOutSource',
    'Layers',
    'OcclusionBin',
    'OcclusionTarget',
    'Placement',
    'Places',
    'SceneObject',
    'UnoccludedRules',
    'compose',
    'cut_out',
    'hide_behind',
    'occlusion_rates',
    'why_left_out',
    'write_composites',
    'write_split',
]
