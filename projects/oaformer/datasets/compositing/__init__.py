"""Images composed of cut-outs, with exact amodal labels.

Whole objects are cut out of images and pasted over each other from back to front. The
label of a pixel is hard: it belongs to the front-most object whose mask has it. Its
color may be mixed where masks end, so that no seam shows (:mod:`.edges`), but most of
it is the owner's (:class:`Layers`).
"""

from .backgrounds import Backgrounds
from .compose import compose
from .cut_out import CutOut, cut_out
from .edges import EDGES, draw_edge
from .layers import Layers
from .occlusion_target import OcclusionTarget
from .placement import Places
from .scene import Scene, SceneObject
from .sources import CutOutSource
from .unoccluded import UnoccludedRules, why_left_out
from .writer import check_new_folder, write_composites, write_split

__all__ = [
    'EDGES',
    'Backgrounds',
    'CutOut',
    'CutOutSource',
    'Layers',
    'OcclusionTarget',
    'Places',
    'Scene',
    'SceneObject',
    'UnoccludedRules',
    'check_new_folder',
    'compose',
    'cut_out',
    'draw_edge',
    'why_left_out',
    'write_composites',
    'write_split',
]
