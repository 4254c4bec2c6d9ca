"""Composing one image."""

from collections.abc import Callable, Sequence

import numpy as np

from .cut_out import CutOut
from .edges import draw_edge
from .layers import Layers
from .occlusion_target import OcclusionTarget
from .placement import Places
from .scene import Scene, SceneObject

# Draws a cut-out and its fields for an image (height, width), shrunken by a factor.
DrawCutOut = Callable[
    [np.random.Generator, tuple[int, int], float], tuple[CutOut, dict]
]
CUT_OUT_TRIES = 8
# From try to try cut-outs that hide nothing get smaller, to this.
MIN_SHRINK = 0.5
SCENE_TRIES = 10


def compose(
    rng: np.random.Generator,
    draw_background: Callable[[np.random.Generator], Scene],
    draw_cut_out: DrawCutOut,
    num_objects: tuple[int, int],
    target: OcclusionTarget,
    edges: Sequence[str] = ('rim',),
) -> Scene:
    """Compose an image of cut-outs with a wanted distribution of occlusion rates.

    Works from back to front. A new object either brings one that is unoccluded so far
    to a wanted rate and hides nothing else, or hides nothing at all. Objects lie
    wholly within the image.

    Args:
        rng: Source of randomness; equal states give equal images.
        draw_background: Draws a background.
        draw_cut_out: Draws a cut-out and the fields of its annotation.
        num_objects: Smallest and largest number of objects to paste.
        target: Wanted distribution, over all objects of the image.
        edges: Names of ``EDGES``; one is drawn for each object.

    Returns:
        The image, its background's objects behind the pasted ones.

    Raises:
        ValueError: If no background has room for that many objects.
    """
    for _ in range(SCENE_TRIES):
        background = draw_background(rng)
        own = background.objects[::-1]
        masks = np.zeros((2, len(own), *background.image.shape[:2]), np.uint8)
        for index, one in enumerate(own):
            masks[:, index] = one.amodal, one.visible
        layers = Layers(background.image, *masks, [one.occlusion_rate for one in own])
        # crowds are pasted over like everything, but not on purpose
        counted = np.array([not one.ignored for one in own], bool)
        number = int(rng.integers(num_objects[0], num_objects[1] + 1))
        pasted = []
        plan = _plan(rng, layers.rates[counted], number, target)
        for step, wanted in enumerate(plan):
            fields, done = _paste_one(rng, layers, counted, draw_cut_out, wanted, edges)
            if fields is None:
                break  # full; what is left to place would search in vain as well
            pasted.append(fields)
            counted = np.append(counted, True)
            if not done and None in plan[step + 1 :]:
                plan[plan.index(None, step + 1)] = wanted  # a later one may manage
        if len(pasted) >= num_objects[0]:
            fields = [one.fields for one in own] + pasted
            objects = list(map(SceneObject, layers.amodal, layers.visible, fields))
            num_ordered = len(pasted) + background.num_ordered
            return Scene(layers.image, objects[::-1], num_ordered, background.origin)
    raise ValueError(
        f'cannot place {num_objects[0]} objects in any of {SCENE_TRIES} images: ask '
        'for fewer objects or larger images'
    )


def _plan(
    rng: np.random.Generator,
    rates: np.ndarray,
    number: int,
    target: OcclusionTarget,
) -> list[float | None]:
    """What each of ``number`` new objects is to do, from back to front.

    Returns:
        The occlusion rate to bring an object beneath to, or None for hiding nothing.
    """
    # The front object cannot be hidden; rounding up or down at random keeps the mean.
    wanted = int(target.occluded_share * (len(rates) + number) + rng.random())
    above_others = number if len(rates) else number - 1
    num_occluders = int(np.clip(wanted - np.count_nonzero(rates), 0, above_others))
    drawn = list(target.draw(rng, num_occluders))
    plan = rng.permutation([*drawn, *[np.nan] * (above_others - num_occluders)])
    plan = [np.nan] * (number - above_others) + list(plan)
    return [None if np.isnan(rate) else float(rate) for rate in plan]


def _paste_one(
    rng: np.random.Generator,
    layers: Layers,
    counted: np.ndarray,
    draw_cut_out: DrawCutOut,
    wanted: float | None,
    edges: Sequence[str],
) -> tuple[dict | None, bool]:
    """Paste one more object; where it can't hide what is wanted, beside the others.

    Returns:
        The fields of its annotation, or None if there is no room; and whether it does
        what was wanted.
    """
    visible, rates = layers.visible[counted], layers.rates[counted]
    size = layers.image.shape[:2]
    for rate in (None,) if wanted is None else (wanted, None):
        # a small object hides less, but finds a place of its own
        smallest = MIN_SHRINK if rate is None else 1
        for shrink in np.linspace(1, smallest, CUT_OUT_TRIES):
            cut_out, fields = draw_cut_out(rng, size, float(shrink))
            place = _place(rng, Places(cut_out.mask, visible, rates), rates, rate)
            if place is not None:
                layers.paste(cut_out, place, draw_edge(rng, edges))
                return fields, rate == wanted
    return None, False


def _place(
    rng: np.random.Generator, places: Places, rates: np.ndarray, wanted: float | None
) -> tuple[int, int] | None:
    if wanted is None:
        return places.clear(rng)
    for index in rng.permutation(np.flatnonzero(rates == 0)):
        place = places.hiding(rng, int(index), wanted)
        if place is not None:
            return place
    return None
