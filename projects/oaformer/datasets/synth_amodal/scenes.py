"""Scenes of shapes with a known depth order and controlled occlusion."""

from collections.abc import Sequence

import numpy as np

from ..compositing import Scene, SceneObject
from .shapes import CLASSES, draw_background, draw_shape, draw_texture

# Diameter of an object relative to the image.
MIN_DIAMETER, MAX_DIAMETER = 0.22, 0.46
# No object is hidden by more: its shape would not be recognizable.
MAX_OCCLUSION = 0.75
# Difference to the wanted occlusion rate: below the first a place is taken at once,
# above the second never.
GOOD_OCCLUSION_ERROR, MAX_OCCLUSION_ERROR = 0.02, 0.08
PLACEMENT_TRIES = 40
SCENE_TRIES = 20


def _place_objects(
    rng: np.random.Generator,
    size: int,
    num_objects: int,
    occluded_fraction: float,
    occlusion_range: tuple[float, float],
) -> list[tuple[int, np.ndarray]]:
    """Place objects from back to front so that a wanted share of them is occluded.

    A new object either hides a wanted part of one object that is unoccluded so far, or
    stays clear of all others. One that finds no place is left out.

    Returns:
        Label and amodal mask (size, size) uint8 per object, from back to front.
    """
    # The front object cannot be hidden, so at most num_objects - 1 are; rounding up or
    # down at random keeps the mean at the wanted share.
    num_occluders = int(occluded_fraction * num_objects + rng.random())
    hides = np.arange(num_objects - 1) < num_occluders
    hides = [False, *rng.permutation(hides)]
    labels, masks, hidden = [], [], []
    for hides_another in hides:
        label = int(rng.integers(len(CLASSES)))
        wanted = np.zeros(len(masks))
        if hides_another:
            free = [i for i, part in enumerate(hidden) if not part.any()]
            wanted[rng.choice(free)] = rng.uniform(*occlusion_range)
        mask = _find_place(rng, size, label, masks, hidden, wanted)
        if mask is None:
            continue
        hidden = [
            part | (mask & other) for part, other in zip(hidden, masks, strict=True)
        ]
        labels.append(label)
        masks.append(mask)
        hidden.append(np.zeros_like(mask))
    return list(zip(labels, masks, strict=True))


def _find_place(
    rng: np.random.Generator,
    size: int,
    label: int,
    masks: Sequence[np.ndarray],
    hidden: Sequence[np.ndarray],
    wanted: np.ndarray,
) -> np.ndarray | None:
    """Mask whose overlap adds nearest to ``wanted`` (N,) rates, or None."""
    areas = np.array([np.count_nonzero(mask) for mask in masks])
    before = np.array([np.count_nonzero(part) for part in hidden]) / areas
    target = None
    if wanted.any():
        rows, columns = np.nonzero(masks[int(wanted.argmax())])
        target = np.array([columns.mean(), rows.mean()])
    best, best_error = None, MAX_OCCLUSION_ERROR
    for attempt in range(PLACEMENT_TRIES):
        # Objects shrink from try to try: in a full image only a small one finds room.
        largest = (
            MAX_DIAMETER - (MAX_DIAMETER - MIN_DIAMETER) * attempt / PLACEMENT_TRIES
        )
        radius = 0.5 * size * rng.uniform(MIN_DIAMETER, largest)
        centre = rng.uniform(0, size, 2)
        if target is not None:
            # Near its target; anywhere in the image would nearly always miss it.
            centre = target + rng.normal(0, 0.8 * radius + 0.08 * size, 2)
        centre = np.clip(centre, radius + 1, size - radius - 2)
        mask = draw_shape(label, size, centre, radius, rng.uniform(0, 2 * np.pi))
        after = np.array(
            [
                np.count_nonzero(part | (mask & other))
                for part, other in zip(hidden, masks, strict=True)
            ]
        )
        after = after / areas
        if (after > MAX_OCCLUSION).any():
            continue
        error = np.abs(after - before - wanted).sum()
        if target is None and error == 0:
            return mask
        if target is not None and error < best_error:
            best, best_error = mask, error
        if best_error < GOOD_OCCLUSION_ERROR:
            break
    return best


def draw_scene(
    rng: np.random.Generator,
    size: int = 128,
    num_objects: tuple[int, int] = (2, 5),
    occluded_fraction: float = 0.5,
    occlusion_range: tuple[float, float] = (0.1, 0.7),
) -> Scene:
    """Draw an image with exact amodal and visible masks.

    Args:
        rng: Source of randomness; equal states give equal scenes.
        size: Edge of the square image in pixels.
        num_objects: Smallest and largest number of objects.
        occluded_fraction: Expected share of occluded objects.
        occlusion_range: Occlusion rates aimed at for occluded objects, drawn uniformly;
            none exceeds ``MAX_OCCLUSION``.

    Returns:
        The (size, size, 3) image and its objects, front-most object first.

    Raises:
        ValueError: If the image has no room for that many objects.
    """
    count = int(rng.integers(num_objects[0], num_objects[1] + 1))
    for _ in range(SCENE_TRIES):
        placed = _place_objects(rng, size, count, occluded_fraction, occlusion_range)
        if len(placed) >= num_objects[0]:
            break
    else:
        raise ValueError(
            f'cannot place {num_objects[0]} objects in an image of {size} x {size} '
            'pixels: ask for fewer'
        )
    image = draw_background(rng, size)
    covered = np.zeros((size, size), np.uint8)
    objects = []
    for label, amodal in reversed(placed):
        visible = amodal & (1 - covered)
        texture = draw_texture(rng, label, amodal)
        objects.append(SceneObject(amodal, visible, dict(category_id=label + 1)))
        image[visible > 0] = texture[visible > 0]
        covered |= amodal
    return Scene(image, objects, num_ordered=len(objects), origin={})
