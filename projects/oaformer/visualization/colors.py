"""Which instance gets which color."""

import cv2
import numpy as np

Color = tuple[int, int, int]

SAME_OBJECT_IOU = 0.5
"""IoU from which a prediction is drawn in the color of the ground truth."""


def instance_color(index: int) -> Color:
    """Color number ``index`` of an endless palette, RGB.

    Hues advance by the golden ratio, so that neighbours in the palette differ; value
    alternates so that a hue close to an earlier one still looks different.
    """
    hue = (0.56 + index * 0.618034) % 1.0 * 360
    value = (1.0, 0.82, 0.92)[index % 3]
    saturation = (0.78, 0.9, 0.6)[index // 2 % 3]
    pixel = np.float32([[[hue, saturation, value]]])
    red, green, blue = cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0]
    return round(255 * float(red)), round(255 * float(green)), round(255 * float(blue))


def colors_like(ious: np.ndarray) -> list[int]:
    """Give predictions the color numbers of the objects that they overlap most.

    Args:
        ious: IoU of each prediction, best score first, with each object of the ground
            truth, (N, M). Objects have the colors 0 to M - 1.

    Returns:
        A color for each prediction: that of its object, or a new one where no free
        object overlaps by at least ``SAME_OBJECT_IOU``.
    """
    free = np.array(ious, dtype=np.float64)
    colors, unused = [], free.shape[1]
    for row in range(len(free)):
        best = int(free[row].argmax()) if free.shape[1] else 0
        if free.shape[1] and free[row, best] >= SAME_OBJECT_IOU:
            colors.append(best)
            free[:, best] = -1
        else:
            colors.append(unused)
            unused += 1
    return colors
