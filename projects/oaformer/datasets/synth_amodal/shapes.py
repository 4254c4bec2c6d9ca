"""Shapes, textures and backgrounds of the synthetic data set."""

import cv2
import numpy as np

CLASSES = ('disc', 'square', 'triangle', 'star', 'ring')


def draw_shape(
    label: int, size: int, centre: np.ndarray, radius: float, angle: float
) -> np.ndarray:
    """Draw the shape of class ``label``.

    Args:
        label: Index into ``CLASSES``.
        size: Edge of the square image in pixels.
        centre: Centre (x, y) in pixels, (2,).
        radius: Radius of the circle around the shape in pixels.
        angle: Rotation in radians.

    Returns:
        (size, size) uint8 mask of 0 and 1.
    """
    mask = np.zeros((size, size), np.uint8)
    name = CLASSES[label]
    if name in ('disc', 'ring'):
        pixel = tuple(int(round(value)) for value in centre)
        cv2.circle(mask, pixel, int(round(radius)), 1, cv2.FILLED, cv2.LINE_8)
        if name == 'ring':
            hole = int(round(0.5 * radius))
            cv2.circle(mask, pixel, hole, 0, cv2.FILLED, cv2.LINE_8)
        return mask
    corners = {'square': 4, 'triangle': 3, 'star': 10}[name]
    angles = angle + np.arange(corners) * 2 * np.pi / corners
    radii = np.full(corners, radius)
    if name == 'star':
        radii[1::2] *= 0.5
    points = np.stack([np.cos(angles), np.sin(angles)], 1) * radii[:, None] + centre
    cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1, cv2.LINE_8)
    return mask


def _draw_pattern(
    rng: np.random.Generator, size: int, light: np.ndarray, dark: np.ndarray
) -> np.ndarray:
    """Stripes, checks, dots or sparse dots in two BGR colors (3,), with a little noise.

    Returns:
        (size, size, 3) uint8 image.
    """
    rows, columns = np.mgrid[:size, :size].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    period = rng.uniform(0.06, 0.12) * size
    along = np.sin(
        (columns * np.cos(angle) + rows * np.sin(angle)) * 2 * np.pi / period
    )
    across = np.sin(
        (rows * np.cos(angle) - columns * np.sin(angle)) * 2 * np.pi / period
    )
    pattern = (along > 0, along * across > 0, along + across > 1, along > 1)
    is_dark = pattern[rng.integers(len(pattern))][..., None]
    noise = rng.normal(0, 6, (size, size, 1))
    return np.clip(np.where(is_dark, dark, light) + noise, 0, 255).astype(np.uint8)


def hsv_to_bgr(hue: float, saturation: float, value: float) -> np.ndarray:
    """Convert a color; hue in degrees, the rest in [0, 1]; returns (3,) uint8."""
    pixel = np.float32([[[hue % 360, saturation, value]]])
    bgr = cv2.cvtColor(pixel, cv2.COLOR_HSV2BGR)[0, 0]
    return np.round(bgr * 255).astype(np.uint8)


def draw_texture(
    rng: np.random.Generator, label: int, amodal: np.ndarray
) -> np.ndarray:
    """A pattern in the hues of class ``label``, (H, W, 3) uint8 BGR, with a dark rim.

    The rim of ``amodal``, (H, W) uint8, parts overlapping objects of one class.
    """
    hue = 360 * label / len(CLASSES) + rng.uniform(-18, 18)
    saturation, value = rng.uniform(0.6, 0.95), rng.uniform(0.75, 1.0)
    light = hsv_to_bgr(hue, saturation, value)
    dark = hsv_to_bgr(hue, saturation, value * rng.uniform(0.55, 0.75))
    texture = _draw_pattern(rng, amodal.shape[0], light, dark)
    width = max(1, amodal.shape[0] // 100)
    # A border of zeros, so that an object at the frame gets its rim there as well.
    padded = np.pad(amodal, width)
    core = cv2.erode(padded, np.ones((2 * width + 1,) * 2, np.uint8))
    rim = core[width:-width, width:-width] == 0
    texture[rim] = (texture[rim] * 0.45).astype(np.uint8)
    return texture


def draw_background(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw a grey patterned background, (size, size, 3) uint8 BGR."""
    value = rng.uniform(0.3, 0.8)
    hue = rng.uniform(0, 360)
    light = hsv_to_bgr(hue, 0.12, value)
    dark = hsv_to_bgr(hue, 0.12, value - rng.uniform(0.05, 0.2))
    return _draw_pattern(rng, size, light, dark)
