"""The web page: drop an image, see its amodal instances.

Needs Gradio, the extra ``web``; nothing else of the package imports this module.
"""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import gradio as gr

from .amodal_inferencer import AmodalInferencer
from .inputs import InputError
from .web_completion_panel import add_completion
from .web_prediction import (
    VIEWS,
    Prediction,
    instance_table,
    paragraph,
    predict_file,
    sample_for_view,
)

TITLE = 'Amodal instance segmentation'
LEGEND = """
<b>Solid outline</b>: amodal mask. <b>Dashed</b>: where it is hidden, if the model
predicts visible masks. <b>Fill</b>: visible part, or else the amodal mask.
<b>occ</b>: occlusion rate, the hidden share of the amodal mask; <b>derived</b>: not
predicted, but computed from the predicted masks.
<b>order</b>: 0 if nothing lies in front, 1 if something of order 0 does, and so on.
"""
STYLE = """
.problem {color: #b91c1c; font-weight: 600}
.dark .problem {color: #fca5a5}
.legend {font-size: .85rem; opacity: .8}
.swatch {border-radius: 3px; display: inline-block; height: 1em; width: 2em}
#drawn img {max-height: 65vh}
"""
# Every ten minutes, files older than an hour are deleted.
DELETE_CACHE_SECONDS = (600, 3600)
# Each holds an image and its prediction.
KEPT_SESSIONS = 32


def build_page(
    inferencer: AmodalInferencer, score_thr: float = 0.3, subtitle: str = ''
) -> gr.Blocks:
    """Build the page.

    The model runs once per image; threshold and view only redraw. With a model that was
    trained with prompts, a click on an instance completes it again from what is seen of
    it, and two clicks or a mask file complete an object that was not found.

    Args:
        inferencer: The model.
        score_thr: Initial value of the slider for the lowest score, in [0, 1].
        subtitle: Plain text below the title, such as which model it is.

    Returns:
        The page; :func:`launch_page` serves it.
    """
    scratch = TemporaryDirectory(prefix='oaformer-web-')

    def predict(file: str) -> list:
        """Run the model on an upload, or say what is wrong with the file."""
        start = time.perf_counter()
        try:
            result = predict_file(inferencer, file)
        except InputError as error:
            result, text = None, paragraph(str(error), 'problem')
        else:
            seconds = time.perf_counter() - start
            height, width = result.image.shape[:2]
            text = f'{result.content["img_path"]}: {width} x {height} pixels'
            text = paragraph(f'{text}, {seconds:.1f} s')
        return [
            # Empty, so that the next image can be dropped at once.
            gr.File(value=None),
            result,
            None,
            text,
            # the choice of views
            gr.Radio(visible=bool(result) and 'visible_masks' in result.content),
            _download(result, scratch.name),
        ]

    def draw(result: Prediction | None, score_thr: float, view: str) -> list:
        """Draw and list the instances that reach the threshold."""
        if result is None:
            return [None, '', None, None]
        image = inferencer.draw(
            result.image, sample_for_view(result, view), pred_score_thr=score_thr
        )
        headers, rows = instance_table(result, score_thr)
        scores = result.content['scores']
        text = f'{len(rows)} of {len(scores)} instances'
        if scores and not rows:
            text += f'; the highest score is {max(scores):.2f}'
        size = image.shape[1::-1]
        return [image, paragraph(text), dict(headers=headers, data=rows), size]

    with gr.Blocks(
        title=TITLE,
        analytics_enabled=False,
        delete_cache=DELETE_CACHE_SECONDS,
        fill_width=True,
    ) as page:
        prediction, drawn_size, corner = gr.State(), gr.State(), gr.State()
        gr.HTML(f'<h1>{TITLE}</h1>' + paragraph(subtitle, 'legend'))
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                upload = gr.File(
                    label='Image', file_types=['image'], height=170, elem_id='upload'
                )
                message = gr.HTML(elem_id='message', padding=False)
                threshold = gr.Slider(
                    maximum=1,
                    value=score_thr,
                    step=0.01,
                    label='Lowest score',
                    elem_id='threshold',
                )
                view = gr.Radio(
                    list(VIEWS),
                    value=next(iter(VIEWS)),
                    label='Masks',
                    visible=False,
                    elem_id='view',
                )
                download = gr.DownloadButton(
                    'Download JSON', interactive=False, elem_id='download'
                )
                gr.HTML(f'<p class="legend">{LEGEND}</p>', padding=False)
            with gr.Column(scale=3, min_width=480):
                drawn = gr.Image(
                    # The label would cover the drawing's title.
                    show_label=False,
                    format='jpeg',
                    interactive=False,
                    # Gradio's third button shares images on the internet.
                    buttons=['download', 'fullscreen'],
                    elem_id='drawn',
                )
                caption = gr.HTML(elem_id='caption', padding=False)
                completion = gr.Row(elem_id='completion')
                table = gr.Dataframe(
                    headers=['color', 'class', 'score', 'occlusion rate', 'order'],
                    datatype=['html', 'str', 'str', 'str', 'number'],
                    interactive=False,
                    show_label=False,
                    buttons=[],
                    elem_id='table',
                )
        drawing = dict(
            fn=draw,
            inputs=[prediction, threshold, view],
            outputs=[drawn, caption, table, drawn_size],
            show_progress='hidden',
            api_visibility='private',
        )
        upload.upload(
            predict,
            inputs=upload,
            outputs=[upload, prediction, corner, message, view, download],
            show_progress_on=drawn,
            api_visibility='private',
        ).then(**drawing)
        threshold.change(**drawing, trigger_mode='always_last')
        view.change(**drawing)
        if inferencer.can_complete:
            with completion:
                state = [prediction, corner, message, threshold]
                events = add_completion(inferencer, drawn, drawn_size, state)
            for event in events:
                event.then(
                    lambda result: _download(result, scratch.name),
                    inputs=prediction,
                    outputs=download,
                    show_progress='hidden',
                    api_visibility='private',
                ).then(**drawing)
    page.queue(max_size=KEPT_SESSIONS)
    return page


def launch_page(
    page: gr.Blocks,
    host: str = '127.0.0.1',
    port: int = 7860,
    max_upload_mb: float = 20,
    auth: tuple[str, str] | None = None,
) -> str:
    """Serve a page in the background, without share link and telemetry.

    Args:
        page: The page of :func:`build_page`.
        host: Address to listen on; '0.0.0.0' is every network of this machine.
        port: Port to listen on.
        max_upload_mb: Largest upload in megabytes of 1024 x 1024 bytes.
        auth: User and password that the page asks for; None asks for none.

    Returns:
        The page's address. It is served until the process ends or ``page.close()``.

    Raises:
        OSError: If the address or port is not available.
    """
    _, address, _ = page.launch(
        server_name=host,
        server_port=port,
        max_file_size=round(max_upload_mb * 2**20),
        auth=auth,
        share=False,
        inbrowser=False,
        quiet=True,
        prevent_thread_lock=True,
        ssr_mode=False,
        enable_monitoring=False,
        state_session_capacity=KEPT_SESSIONS,
        footer_links=[],
        css=STYLE,
        # The system's own fonts: nothing is fetched from the internet.
        theme=gr.themes.Default(
            font=['system-ui', 'sans-serif'], font_mono=['system-ui', 'sans-serif']
        ),
    )
    return address


def _download(result: Prediction | None, folder: str) -> gr.DownloadButton:
    """The button, with the prediction in the form of the inferencer's files."""
    if result is None:
        return gr.DownloadButton(value=None, interactive=False)
    # Gradio copies the file after this event, so it stays until the page ends
    file = Path(mkdtemp(dir=folder)) / f'{Path(result.content["img_path"]).stem}.json'
    file.write_text(json.dumps(result.content))
    return gr.DownloadButton(value=file, interactive=True)
