import numpy as np
import pytest

from oaformer.visualization.colors import colors_like, instance_color


def test_colors_of_neighbours_differ():
    colors = np.array([instance_color(i) for i in range(30)], float)
    distances = np.linalg.norm(colors[:, None] - colors[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert distances.min() > 15
    for step in (1, 2, 3):
        assert np.linalg.norm(colors[step:] - colors[:-step], axis=-1).min() > 50


@pytest.mark.parametrize(
    'ious, colors',
    [
        ([[0.1, 0.9, 0.0], [0.8, 0.0, 0.0], [0.2, 0.3, 0.4]], [1, 0, 3]),
        # a second prediction of an object gets a new color
        ([[0.9], [0.95], [0.1]], [0, 1, 2]),
        (np.zeros((2, 0)), [0, 1]),
    ],
)
def test_predictions_take_the_color_of_their_object(ious, colors):
    assert colors_like(np.array(ious)) == colors
