"""Cards of the galleries: cases in words, with their images."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...datasets.images import ImageError, read_image
from ..amodal_local_visualizer import AmodalLocalVisualizer
from .cases import Case, CaseGroup
from .drawing import draw_case, jpeg_data_uri

TITLES = dict(
    worst='Worst matches',
    missed='Missed objects',
    occluded_as_unoccluded='Occluded taken for unoccluded',
    unoccluded_as_occluded='Unoccluded taken for occluded',
    best='Best matches',
)
NOTES = dict(
    worst='The lowest amodal IoU among {total} matched objects.',
    missed='The largest of {total} objects that no detection of their class matches, '
    'each with the detection of any class that overlaps most.',
    occluded_as_unoccluded='{total} matched objects are annotated as occluded and '
    'predicted as not; the largest errors first.',
    unoccluded_as_occluded='{total} matched objects are annotated as unoccluded and '
    'predicted as occluded; the largest errors first.',
    best='The highest amodal IoU among {total} matched objects.',
)


class Card(NamedTuple):
    """One object: its image and what was measured on it.

    Attributes:
        title: The object's class.
        image: Drawing as a JPEG data URI.
        facts: Names and values.
        warning: Why the image is missing; empty otherwise.
    """

    title: str
    image: str
    facts: list[tuple[str, str]]
    warning: str


class Gallery(NamedTuple):
    """Cards of one kind, in the order of :class:`~.cases.CaseGroup`.

    Attributes:
        name: Identifier, a word.
        title: Heading.
        note: Which objects are shown, and of how many.
        cards: The cards.
    """

    name: str
    title: str
    note: str
    cards: list[Card]


def build_gallery(
    group: CaseGroup,
    classes: Mapping[str, int],
    images: Mapping[int, Mapping],
    find_image: Callable[[int], Path],
    visualizer: AmodalLocalVisualizer,
) -> Gallery:
    """Draw and describe cases. One image is held at a time.

    Args:
        group: The cases.
        classes: Category id by class name, in the order of the labels.
        images: Image (``file_name``, ``height``, ``width``) by its id.
        find_image: Path of the image with an id. Where it can't be read, the card says
            so and shows the masks on grey.
        visualizer: Draws the cases.
    """
    names = {category_id: name for name, category_id in classes.items()}
    labels = {category_id: label for label, category_id in enumerate(names)}
    cards = []
    for case in group.cases:
        image = images[case.object['image_id']]
        pixels, warning = None, ''
        try:
            pixels = read_image_of(find_image(image['id']), image)
        except ImageError as error:
            warning = str(error)
        drawn = draw_case(visualizer, case, labels, pixels)
        title = names[case.object['category_id']]
        facts = case_facts(case, names, image['file_name'])
        cards.append(Card(title, jpeg_data_uri(drawn), facts, warning))
    note = 'There are none.'
    if group.total:
        note = NOTES[group.name].format(total=group.total)
    return Gallery(group.name, TITLES[group.name], note, cards)


def read_image_of(path: Path, image: Mapping) -> np.ndarray:
    """Read an image, RGB, (height, width, 3).

    Args:
        path: Where it should be.
        image: Its entry of the annotation file.

    Raises:
        ImageError: If it is missing, is not an image or has another size.
    """
    try:
        pixels = read_image(path)
    except FileNotFoundError as error:
        raise ImageError(str(error)) from error
    height, width = pixels.shape[:2]
    if (height, width) != (image['height'], image['width']):
        raise ImageError(
            f'{path} is {width} x {height} pixels, the annotation file says '
            f'{image["width"]} x {image["height"]}'
        )
    return np.ascontiguousarray(pixels[..., ::-1])


def case_facts(
    case: Case, names: Mapping[int, str], file_name: str
) -> list[tuple[str, str]]:
    """Names and values of what is known about a case; class names by category id."""
    detection = case.detection
    rate = f'annotated {case.object["occlusion_rate"]:.0%}'
    if detection is None:
        facts = [('nearest detection', 'none overlaps')]
    else:
        score = f'{detection["score"]:.2f}'
        if case.match is None:
            name = names[detection['category_id']]
            facts = [('nearest detection', f'{name}, score {score}')]
        else:
            facts = [('score', score)]
        facts.append(('IoU', _ious(case)))
        if detection['occlusion_rate'] is not None:
            rate += f', predicted {detection["occlusion_rate"]:.0%}'
    facts.append(('occlusion rate', rate))
    facts.append(('image', f'{file_name}, object {case.object["annotation_id"]}'))
    return facts


def _ious(case: Case) -> str:
    ious = {'amodal': case.amodal_iou}
    if case.match is not None:
        ious |= {
            'visible': case.match.ious['visible'],
            'invisible': case.match.ious['predicted_invisible'],
            'invisible given the visible mask': case.match.ious['invisible'],
        }
    return ', '.join(
        f'{name} {iou:.2f}' for name, iou in ious.items() if iou is not None
    )
