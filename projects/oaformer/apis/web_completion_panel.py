"""The web page's controls that complete objects; see :mod:`.web_completion`.

Needs Gradio, as :mod:`.web_page` does.
"""

import math

import gradio as gr

from .amodal_inferencer import AmodalInferencer
from .inputs import InputError
from .known_objects import KnownObjects
from .web_completion import (
    box_between,
    complete_object,
    describe_instance,
    image_point,
    instance_at,
    mask_from_file,
    what_is_seen,
)
from .web_prediction import Prediction, paragraph

INSTANCE, CORNER = 'completes the instance', 'is a corner of a box'
PREDICTED_CLASS = 'predicted'


def add_completion(
    inferencer: AmodalInferencer,
    drawn: gr.Image,
    drawn_size: gr.State,
    state: list[gr.Component],
) -> list[gr.events.Dependency]:
    """Add the controls to the current block of the page, and connect them.

    Args:
        inferencer: The model, trained with prompts.
        drawn: The drawing, which is clicked on.
        drawn_size: Its width and height.
        state: Prediction, first corner of a box, message, lowest score; what a
            completion changes.

    Returns:
        The events after which the prediction is to be drawn.
    """

    def complete(
        result: Prediction,
        known: KnownObjects,
        label: str,
        score_thr: float,
        replaced: int | None = None,
    ) -> list:
        """Complete an object; the threshold falls where it would hide it."""
        label = None if label == PREDICTED_CLASS else label
        try:
            result, index = complete_object(inferencer, result, known, label, replaced)
        except InputError as error:
            return [result, None, paragraph(str(error), 'problem'), score_thr]
        score = result.content['scores'][index]
        text = f'completed: {describe_instance(result, index)}'
        lowest = min(score_thr, math.floor(100 * score) / 100)
        return [result, None, paragraph(text), lowest]

    def click(
        result: Prediction | None,
        corner: tuple[int, int] | None,
        meaning: str,
        label: str,
        score_thr: float,
        size: tuple[int, int],
        event: gr.SelectData,
    ) -> list:
        """Complete the instance under a click, or the box of two clicks."""
        if result is None:
            return [None, None, '', score_thr]
        point = image_point(event.index, size, result)
        if meaning == CORNER:
            if corner is None:
                text = paragraph(f'corner {point}: now the opposite one')
                return [result, point, text, score_thr]
            return complete(result, box_between(corner, point), label, score_thr)
        index = instance_at(result, point, score_thr)
        if index is None:
            text = paragraph('there is no instance', 'problem')
            return [result, None, text, score_thr]
        return complete(result, what_is_seen(result, index), label, score_thr, index)

    def load_mask(
        result: Prediction | None, file: str, label: str, score_thr: float
    ) -> list:
        """Complete the object whose visible mask is in a file."""
        if result is None:
            text = paragraph('the mask of which image? Drop that first', 'problem')
            return [gr.File(value=None), None, None, text, score_thr]
        try:
            known = mask_from_file(file)
        except InputError as error:
            text = paragraph(str(error), 'problem')
            return [gr.File(value=None), result, None, text, score_thr]
        return [gr.File(value=None), *complete(result, known, label, score_thr)]

    meaning = gr.Radio([INSTANCE, CORNER], value=INSTANCE, label='A click')
    label = gr.Dropdown(
        [PREDICTED_CLASS, *inferencer.classes],
        value=PREDICTED_CLASS,
        label='Class of the completed object',
    )
    mask = gr.File(
        label='Visible mask: an image, black elsewhere',
        file_types=['image'],
        height=130,
        elem_id='mask',
    )
    result, corner, _, threshold = state
    common = dict(show_progress_on=drawn, api_visibility='private')
    meaning.change(lambda: None, outputs=corner, api_visibility='private')
    return [
        drawn.select(
            click,
            inputs=[result, corner, meaning, label, threshold, drawn_size],
            outputs=state,
            **common,
        ),
        mask.upload(
            load_mask,
            inputs=[result, mask, label, threshold],
            outputs=[mask, *state],
            **common,
        ),
    ]
