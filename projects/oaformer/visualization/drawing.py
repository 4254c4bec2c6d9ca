"""Draw amodal instances on images. Images are RGB, uint8."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from .colors import Color

FONT = cv2.FONT_HERSHEY_SIMPLEX
HALO = (20, 20, 20)
HEADER = (38, 38, 42)
# Left, top, right, bottom in pixels; right and bottom are outside.
Box = tuple[int, int, int, int]


class DrawnInstance(NamedTuple):
    """What to draw of one instance; masks are cropped to its amodal box.

    Attributes:
        amodal: Amodal mask, uint8, (h, w).
        visible: Visible mask, uint8, (h, w); None where it is unknown.
        corner: Column and row of the crop's top left pixel.
        color: Color of outline, fill and label.
        text: Label.
    """

    amodal: np.ndarray
    visible: np.ndarray | None
    corner: tuple[int, int]
    color: Color
    text: str

    @property
    def box(self) -> Box:
        """Amodal box in the image."""
        (left, top), (height, width) = self.corner, self.amodal.shape
        return left, top, left + width, top + height


def draw_fill(image: np.ndarray, instance: DrawnInstance, alpha: float) -> None:
    """Blend an instance's color over its visible part, in place.

    Args:
        image: Image, (H, W, 3).
        instance: The instance.
        alpha: Share of the color in [0, 1]; half of it over the amodal mask where no
            visible mask is known.
    """
    mask = instance.visible
    if mask is None:
        mask, alpha = instance.amodal, 0.5 * alpha
    left, top, right, bottom = instance.box
    crop = image[top:bottom, left:right]
    inside = mask.astype(bool)
    blend = (1 - alpha) * crop[inside] + alpha * np.array(instance.color)
    crop[inside] = np.round(blend).astype(np.uint8)


def draw_outline(image: np.ndarray, instance: DrawnInstance, width: int) -> None:
    """Draw the amodal contour in place: solid where visible, dashed where hidden.

    What lies within two line widths of the visible mask counts as visible.

    Args:
        image: Image, (H, W, 3).
        instance: The instance; its contour is solid where no visible mask is known.
        width: Line width in pixels.
    """
    # CCOMP and not EXTERNAL: a ring has an inner edge, too.
    contours, _ = cv2.findContours(
        instance.amodal, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    near_visible = None
    if instance.visible is not None:
        # a predicted visible mask seldom ends on the very pixel of the amodal one
        reach = np.ones((4 * width + 1, 4 * width + 1), np.uint8)
        near_visible = cv2.dilate(instance.visible, reach)
    lines = []
    for contour in contours:
        points = contour[:, 0]
        visible = np.ones(len(points), bool)
        if near_visible is not None:
            visible = near_visible[points[:, 1], points[:, 0]] > 0
        lines += _solid_and_dashed(points + instance.corner, visible, 3 * width + 2)
    # A dark line beneath keeps the outline apart from a background of its color.
    for color, thickness in ((HALO, width + 2), (instance.color, width)):
        cv2.polylines(image, lines, False, color, thickness, cv2.LINE_AA)


def _solid_and_dashed(
    points: np.ndarray, solid: np.ndarray, dash: int
) -> list[np.ndarray]:
    """Cut a closed contour into its solid runs and into dashes elsewhere.

    Points (x, y) are neighbouring pixels, (P, 2); ``dash`` is the length of a dash and
    of a gap in pixels. Returns open polylines, each (K, 2).
    """
    if solid.all():
        return [np.concatenate([points, points[:1]])]
    # Start where a run starts, so that no run is cut by the contour's arbitrary start.
    changes = np.flatnonzero(solid != np.roll(solid, 1))
    start = int(changes[0]) if len(changes) else 0
    points, solid = np.roll(points, -start, 0), np.roll(solid, -start)
    ends = np.append(np.flatnonzero(np.diff(solid)) + 1, len(points))
    lines, begin = [], 0
    for end in ends.tolist():
        if solid[begin]:
            lines.append(points[begin:end])
        else:
            dashes = range(begin, end, 2 * dash)
            lines += [points[i : min(i + dash, end)] for i in dashes]
        begin = end
    return lines


def text_scale(height: int) -> float:
    """OpenCV font scale for capitals of about ``height`` pixels."""
    # The fonts of OpenCV 4 and 5 differ in size, hence measured.
    return height / cv2.getTextSize('A', FONT, 1.0, 1)[0][1]


def fit_text(text: str, height: int, max_width: int) -> tuple[str, int, int]:
    """Cut a text to a width in pixels.

    Returns:
        The text, with '..' in place of the middle that did not fit, its width and its
        depth below the base line in pixels.
    """
    thickness = text_thickness(height)
    keep, fitted = len(text), text
    while True:
        (width, _), depth = cv2.getTextSize(fitted, FONT, text_scale(height), thickness)
        if width <= max_width or keep <= 2:
            return fitted, width, depth
        # The end holds score and occlusion rate: the middle goes first.
        keep -= 1
        tail = min(keep // 2, 16)
        fitted = text[: keep - tail] + '..' + text[len(text) - tail :]


def text_thickness(height: int) -> int:
    """Line thickness in pixels for text of ``height`` pixels."""
    return max(1, round(height / 16))


def put_text(
    image: np.ndarray, text: str, left: int, base: int, height: int, color: Color
) -> None:
    """Write text in place; ``left`` and ``base`` are its bottom left corner."""
    scale, thickness = text_scale(height), text_thickness(height)
    cv2.putText(image, text, (left, base), FONT, scale, color, thickness, cv2.LINE_AA)


def draw_labels(
    image: np.ndarray, instances: Sequence[DrawnInstance], height: int
) -> list[Box]:
    """Write every instance's label near its box, in place; return the labels' boxes.

    The first instances get the best places. ``height`` is that of capitals in pixels.
    """
    margin = max(2, height // 3)
    placed = []
    for instance in instances:
        room = image.shape[1] - 2 * margin
        text, width, depth = fit_text(instance.text, height, room)
        size = (width + 2 * margin, height + depth + 2 * margin)
        box = _place_label(instance.box, size, image.shape[:2], placed)
        placed.append(box)
        left, top, right, bottom = box
        cv2.rectangle(image, (left, top), (right - 1, bottom - 1), instance.color, -1)
        cv2.rectangle(image, (left, top), (right - 1, bottom - 1), HALO, 1)
        luminance = np.dot((0.299, 0.587, 0.114), instance.color)
        ink = (0, 0, 0) if luminance > 120 else (255, 255, 255)
        put_text(image, text, left + margin, top + margin + height, height, ink)
    return placed


def _place_label(
    box: Box, size: tuple[int, int], image_size: tuple[int, int], taken: Iterable[Box]
) -> Box:
    """Place for a label (width, height) inside the image, clear of others if any."""
    width, height = size
    left, top, right, bottom = box
    middle = (left + right - width) // 2
    centre = (top + bottom - height) // 2
    places = [
        (left, top - height),
        (left, top),
        (left, bottom),
        (right - width, top - height),
        (right - width, bottom - height),
        (middle, centre),
    ]
    # In a crowd: near the instance, then anywhere along it.
    near = ((x, y) for y in (-2, 1, -3, 2, -4, 3) for x in (0, 1, -1))
    places += [(left + x * width // 2, top + y * height) for x, y in near]
    places += [(left, y) for y in range(top, bottom, height)]
    best, best_overlap = None, None
    for x, y in places:
        x = max(0, min(x, image_size[1] - width))
        y = max(0, min(y, image_size[0] - height))
        candidate = (x, y, x + width, y + height)
        overlap = sum(_overlap(candidate, other) for other in taken)
        if overlap == 0:
            return candidate
        if best is None or overlap < best_overlap:
            best, best_overlap = candidate, overlap
    return best


def _overlap(first: Box, second: Box) -> int:
    """Common area of two boxes in pixels."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return max(width, 0) * max(height, 0)


def add_header(image: np.ndarray, title: str, height: int) -> np.ndarray:
    """Put a strip with a title, 2 * ``height`` high, on top of an (H, W, 3) image."""
    strip = np.full((2 * height, image.shape[1], 3), HEADER, np.uint8)
    title, _, _ = fit_text(title, height, image.shape[1] - height)
    put_text(strip, title, height // 2, 3 * height // 2, height, (235, 235, 235))
    return np.concatenate([strip, image])
