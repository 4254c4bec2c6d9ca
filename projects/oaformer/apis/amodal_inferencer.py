"""The inferencer: images, folders and videos in, amodal instances out."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from os import PathLike, fspath
from typing import Any, NamedTuple

import numpy as np
from mmdet.structures import DetDataSample, SampleList
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose, pseudo_collate
from mmengine.infer import BaseInferencer
from mmengine.registry import init_default_scope
from mmengine.visualization import Visualizer
from rich.progress import track

from ..structures import as_amodal_instances
from .inputs import Image, Input, InputError, iterate_images, list_inputs
from .known_objects import KnownObjects, known_of_images, with_prompts
from .loading import check_device, find_model, inference_pipeline, load_model
from .output_files import OutputNames, ResultWriter
from .pre_annotations import PreAnnotations
from .predictor import ModelError, Predictor
from .results import describe, prediction_to_dict


class ImageResult(NamedTuple):
    """Result of the inferencer for one image.

    Attributes:
        prediction: Plain data (:func:`prediction_to_dict`) or a data sample.
        visualization: Drawing, RGB, uint8, (h, w, 3); None unless requested.
    """

    prediction: dict[str, Any] | DetDataSample
    visualization: np.ndarray | None


class AmodalInferencer(BaseInferencer):
    """Predict amodal instances, as MMDetection's ``DetInferencer`` does.

    The data set's files are not needed.

    Args:
        model: Config file, the name of one of ours (``oaformer_r50_d2sa``) or a
            config. None takes the config that is inside ``weights``. A checkpoint
            (.pth) or an exported model (.onnx) alone is accepted, too.
        weights: Checkpoint, a file or web address. None leaves the model untrained.
        device: Such as 'cpu' or 'cuda:0'. None takes the GPU if there is one.
        scope: Registry to look names up in first.
        show_progress: Whether to show a progress bar.

    Raises:
        FileNotFoundError: If config or checkpoint do not exist.
        ModelError: If config, weights and device do not fit together.
    """

    model: Predictor

    def __init__(
        self,
        model: str | PathLike | Config | ConfigDict | dict | None = None,
        weights: str | PathLike | None = None,
        device: str | None = None,
        scope: str = 'mmdet',
        show_progress: bool = True,
    ) -> None:
        model = fspath(model) if isinstance(model, PathLike) else model
        weights = None if weights is None else fspath(weights)
        if isinstance(model, str) and model.endswith(('.pth', '.onnx')):
            if weights is not None:
                raise ModelError(
                    f'{model} and {weights} are both weights; as the model, name a '
                    'config'
                )
            model, weights = None, model
        if model is None and weights is None:
            raise ModelError('name a config, weights or both')
        if isinstance(model, str):
            model = Config.fromfile(find_model(model))
        check_device(device)
        init_default_scope(scope)
        super().__init__(model, weights, device, scope, show_progress)
        self._names: defaultdict[str, OutputNames] = defaultdict(OutputNames)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty if unknown."""
        return tuple(self.model.dataset_meta.get('classes') or ())

    @property
    def can_complete(self) -> bool:
        """Whether the model completes given objects: it was trained with prompts."""
        head = self.model.cfg.get('model', {}).get('panoptic_head', {})
        # an exported model has its config and no prompts
        return head.get('prompts') is not None and hasattr(self.model, 'parameters')

    def __call__(self, inputs: Input | Sequence[Input], **kwargs) -> dict[str, list]:
        """Predict and keep all results; :meth:`stream` keeps none.

        Args:
            inputs: As in :meth:`stream`.
            **kwargs: Further arguments of :meth:`stream`.

        Returns:
            ``predictions``, one per image or frame; ``visualization``, their
            drawings if ``return_vis``; ``skipped``, the images of a folder that
            could not be read, each ``dict(img_path=..., reason=...)``.

        Raises:
            InputError: As in :meth:`stream`.
            FileNotFoundError: If an image does not exist.
        """
        skipped: list[dict[str, str]] = []
        results = list(self.stream(inputs, skipped=skipped, **kwargs))
        drawings = [result.visualization for result in results]
        return dict(
            predictions=[result.prediction for result in results],
            visualization=[drawing for drawing in drawings if drawing is not None],
            skipped=skipped,
        )

    def complete(
        self,
        inputs: Input | Sequence[Input],
        visible_masks: Sequence[Any] | None = None,
        boxes: Sequence[Any] | None = None,
        labels: Sequence[Any] | None = None,
        **kwargs,
    ) -> dict[str, list]:
        """Predict the amodal masks, occlusion rates and classes of given objects.

        For models trained with ``panoptic_head.prompts``.

        Args:
            inputs: An image or a list of images.
            visible_masks: For each object of the image a bitmap (H, W), a COCO RLE or
                COCO polygons, or None. Of a list of images: such a list for each.
            boxes: For each object x1, y1, x2, y2 of its visible part in pixels, or
                None. Where a visible mask is given it is not used. Lists as above.
            labels: For each object the name or index of its class, or None to have it
                predicted. Lists as above.
            **kwargs: Further arguments of :meth:`stream`. Drawings have all objects
                unless ``pred_score_thr`` says otherwise.

        Returns:
            As :meth:`__call__`; the instances are the objects in their order. A given
            visible mask is part of the amodal mask.

        Raises:
            InputError: If an image can't be read, or an object is not given as above.
            ModelError: If the model was trained without prompts.
        """
        if not self.can_complete:
            raise ModelError(
                'this model completes no given objects: it was trained without '
                'panoptic_head.prompts, or exported'
            )
        inputs, known = known_of_images(inputs, visible_masks, boxes, labels)
        kwargs.setdefault('pred_score_thr', 0.0)
        return self(inputs, known=known, **kwargs)

    def stream(
        self,
        inputs: Input | Sequence[Input],
        batch_size: int = 1,
        return_vis: bool = False,
        return_datasamples: bool = False,
        show: bool = False,
        wait_time: float = 0,
        pred_score_thr: float = 0.3,
        out_dir: str | PathLike = '',
        no_save_vis: bool = False,
        no_save_pred: bool = False,
        print_result: bool = False,
        export: str | None = None,
        skipped: list[dict[str, str]] | None = None,
        known: Sequence[KnownObjects] | None = None,
    ) -> Iterator[ImageResult]:
        """Predict one batch after the other, and hold no more than that.

        Args:
            inputs: An image (path, web address or BGR array (H, W, 3), uint8), a
                folder of images, a video, or a list of these but folders.
            batch_size: Images that the model sees at a time.
            return_vis: Whether to return drawings.
            return_datasamples: Whether to return data samples, not plain data.
            show: Whether to show drawings in a window.
            wait_time: Seconds until a window closes; 0 waits for a key.
            pred_score_thr: Lowest score of instances that are drawn, printed and
                exported. Results and other files have all of them.
            out_dir: Folder for drawings (``vis/``) and predictions (``preds/``, one
                JSON per image or frame); '' writes none.
            no_save_vis: Whether to leave drawings out of it.
            no_save_pred: Whether to leave predictions out of it.
            print_result: Whether to print the instances.
            export: Format of pre-annotations for a labelling tool that are written to
                ``out_dir``, one of ``pre_annotations.EXPORTS``; None writes none.
            skipped: Gets the images of a folder that can't be read, each
                ``dict(img_path=..., reason=...)``.
            known: For each image the objects to complete; see :meth:`complete`.

        Yields:
            One result per image or frame, in order.

        Raises:
            InputError: If an image that was named itself can't be read, or none of a
                folder can, an output would overwrite an input or an earlier export, or
                an input can't be exported. A few of a folder are skipped, named and
                counted.
            FileNotFoundError: If an image does not exist.
            OSError: If ``out_dir`` can't be written to.
        """
        if batch_size < 1:
            raise InputError(f'batch_size must be at least 1, not {batch_size}')
        listed = list_inputs(inputs)
        skipped = [] if skipped is None else skipped
        save_vis = bool(out_dir) and not no_save_vis
        save_pred = bool(out_dir) and not no_save_pred
        files = None
        if export is not None:
            files = PreAnnotations(export, out_dir, pred_score_thr, self.classes)
        with ResultWriter(out_dir, self._names[fspath(out_dir)], files) as writer:
            writer.plan(listed.items, save_vis, save_pred)
            images = iterate_images(listed, self._loader, skipped)
            if known is not None:
                images = with_prompts(images, known, self.classes)
            for image, sample in track(
                self._predict(images, batch_size),
                description='Inference',
                total=listed.num_images(),
                disable=not self.show_progress,
            ):
                drawing, prediction = None, sample
                if save_vis or return_vis or show:
                    drawing = self.draw(
                        image.image, sample, pred_score_thr, show, wait_time
                    )
                if save_vis:
                    writer.write_drawing(image, drawing)
                if save_pred or print_result or export or not return_datasamples:
                    prediction = prediction_to_dict(sample, self.classes)
                if save_pred:
                    writer.write_prediction(image, prediction)
                if export:
                    writer.write_export(image, prediction)
                if print_result:
                    print(describe(prediction, pred_score_thr))
                yield ImageResult(
                    sample if return_datasamples else prediction,
                    drawing if return_vis else None,
                )
        if files is not None:
            files.finish()

    def draw(
        self,
        image: np.ndarray,
        data_sample: DetDataSample,
        pred_score_thr: float = 0.3,
        show: bool = False,
        wait_time: float = 0,
    ) -> np.ndarray:
        """Draw a prediction, without predicting again.

        Args:
            image: Image, BGR, uint8, (H, W, 3).
            data_sample: Its prediction.
            pred_score_thr: Lowest score of drawn instances.
            show: Whether to show the drawing in a window.
            wait_time: Seconds until the window closes; 0 waits for a key.

        Returns:
            Drawing, RGB, uint8, (h, w, 3).
        """
        drawn = self.visualizer.draw_data_sample(
            image[..., ::-1],
            data_sample,
            draw_gt=False,
            pred_score_thr=pred_score_thr,
        )
        if show:
            name = data_sample.get('img_path') or 'array'
            self.visualizer.show(drawn, win_name=name, wait_time=wait_time)
        return drawn

    def preprocess(
        self, inputs: Iterator[Image], batch_size: int = 1
    ) -> Iterator[tuple[list[Image], dict]]:
        """Yield batches of ``batch_size`` images, each with what the model takes."""
        for images in self._get_chunk_data(inputs, batch_size):
            batch = [self.pipeline(dict(img=image.image)) for image in images]
            for image, prepared in zip(images, batch, strict=True):
                prepared['data_samples'].set_metainfo(image.metainfo)
                if image.prompts is not None:
                    prepared['data_samples'].prompts = image.prompts
            yield images, self.collate_fn(batch)

    def visualize(
        self, inputs: Sequence[Image], preds: SampleList, **kwargs
    ) -> list[np.ndarray]:
        """Required by MMEngine: :meth:`draw` for each image."""
        pairs = zip(inputs, preds, strict=True)
        return [self.draw(image.image, sample, **kwargs) for image, sample in pairs]

    def postprocess(
        self, preds: SampleList, visualization: list[np.ndarray]
    ) -> dict[str, list]:
        """Required by MMEngine: results in the form of :meth:`__call__`."""
        preds = [prediction_to_dict(sample, self.classes) for sample in preds]
        return dict(predictions=preds, visualization=visualization)

    def _predict(
        self, images: Iterator[Image], batch_size: int
    ) -> Iterator[tuple[Image, DetDataSample]]:
        for batch, data in self.preprocess(images, batch_size):
            for image, sample in zip(batch, self.forward(data), strict=True):
                sample = sample.cpu()
                sample.pred_instances = as_amodal_instances(sample.pred_instances)
                yield image, sample

    def _init_model(
        self, cfg: Config | ConfigDict, weights: str | None, device: str
    ) -> Predictor:
        predictor = load_model(cfg, weights, device)
        # Without a config the inferencer takes the one inside the weights.
        cfg.update(dict(predictor.cfg.items()))
        return predictor

    def _init_pipeline(self, cfg: Config | ConfigDict) -> Compose:
        self._loader, pipeline = inference_pipeline(cfg)
        return pipeline

    def _init_collate(self, cfg: Config | ConfigDict) -> Callable:
        return pseudo_collate

    def _init_visualizer(self, cfg: Config | ConfigDict) -> Visualizer:
        # The inferencer writes the files itself, so there is no backend.
        visualizer = dict(cfg.get('visualizer') or dict(type='AmodalLocalVisualizer'))
        visualizer['vis_backends'] = None
        built = super()._init_visualizer(ConfigDict(visualizer=visualizer))
        built.dataset_meta = self.model.dataset_meta
        return built
