"""The data set of the one schema: COCO with visible masks and occlusion rates."""

import os.path as osp
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from mmdet.datasets import CocoDataset
from mmdet.registry import DATASETS
from mmengine.logging import print_log

from .annotation import AmodalAnnotation
from .annotation_file import CLASS_AGNOSTIC, AnnotationFile, read_annotation_file
from .findings import AnnotationError


@DATASETS.register_module()
class AmodalCocoDataset(CocoDataset):
    """Amodal instances in a COCO-style file (D2SA's own keys).

    ``segmentation``, ``bbox`` and ``area`` are amodal; ``visible_mask``,
    ``invisible_mask`` and ``occlude_rate`` may be missing (see
    :func:`parse_amodal_annotation`). Other data sets come to this schema by the
    converters in ``tools/dataset_converters``.

    Every annotation is checked while loading. What can't be right raises an error
    with file and annotation id, also in classes that are left out; what is corrected
    or left out is counted in one log line. For your own data set
    ``metainfo=dict(classes=...)`` is all that changes; without it the classes are
    those of the file, in the order of their ids.

    Args:
        *args: Arguments of :class:`mmdet.datasets.CocoDataset`.
        class_agnostic: Whether all objects of the file are of one class, 'object'. The
            metric has the same option.
        **kwargs: Arguments of :class:`mmdet.datasets.CocoDataset`.

    Raises:
        AnnotationError: If the file is not JSON or not in the schema, a class is not in
            it, or an annotation can't be used.
        FileNotFoundError: If the annotation file or an image is missing.
    """

    METAINFO: dict = {}

    num_objects: dict[int, int]
    """Number of objects to learn in each image that is left, by the image's id."""
    num_occluded: int
    """Number of these objects that are occluded."""

    def __init__(self, *args, class_agnostic: bool = False, **kwargs) -> None:
        self.class_agnostic = class_agnostic
        if class_agnostic:
            metainfo = kwargs.get('metainfo') or {}
            kwargs['metainfo'] = dict(classes=CLASS_AGNOSTIC) | metainfo
        super().__init__(*args, **kwargs)

    def full_init(self) -> None:
        """Load, filter and count; see :class:`mmengine.dataset.BaseDataset`.

        Raises:
            AnnotationError: If no image is left.
        """
        if self._fully_initialized:
            return
        # MMEngine can't serialize an empty list, and counting serialized images is slow
        serialize, self.serialize_data = self.serialize_data, False
        super().full_init()
        self.serialize_data = serialize
        if not self.data_list:
            self._fully_initialized = False
            raise AnnotationError(
                f'{self.ann_file}: indices={self._indices} leaves no image: change '
                'indices of the data set, or leave it out.'
            )
        self._count_objects()
        if serialize:
            self.data_bytes, self.data_address = self._serialize_data()

    def load_data_list(self) -> list[dict]:
        """Read, check and convert the annotation file.

        Returns:
            One dict per image, as :class:`mmdet.datasets.CocoDataset` gives it.
            Each of its ``instances`` also has ``visible_mask`` (None where nothing
            is hidden), ``occlusion_rate`` and ``annotation_id``.
        """
        file = read_annotation_file(
            self.ann_file, self.backend_args, self.class_agnostic
        )
        self._set_categories(file.category_ids)
        parsed = [file.parse(annotation) for annotation in file.annotations]
        by_image: dict[int, list[tuple]] = {key: [] for key in file.images}
        for pair in zip(file.annotations, parsed, strict=True):
            by_image[pair[0]['image_id']].append(pair)
        data_list = [
            self.parse_data_info(dict(raw_img_info=image, raw_ann_info=by_image[key]))
            for key, image in file.images.items()
        ]
        self._check_images(data_list)
        print_log(f'{self.ann_file}: {self._summary(file, parsed)}', logger='current')
        return data_list

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Convert one image and its annotations.

        Args:
            raw_data_info: ``raw_img_info``, the image in the file, and
                ``raw_ann_info``, pairs of an annotation in the file and as parsed.

        Returns:
            The image with its instances.
        """
        image = raw_data_info['raw_img_info']
        instances = [
            self._instance(annotation, parsed)
            for annotation, parsed in raw_data_info['raw_ann_info']
            if annotation['category_id'] in self.cat2label
        ]
        return dict(
            img_path=osp.join(self.data_prefix.get('img', ''), image['file_name']),
            img_id=image['id'],
            height=image['height'],
            width=image['width'],
            seg_map_path=None,
            instances=instances,
        )

    def filter_data(self) -> list[dict]:
        """Leave out images by ``filter_cfg``; says how many.

        Returns:
            Images with instances (``filter_empty_gt``) and with both sides of at
            least ``min_size`` pixels. In test mode, all.
        """
        if self.test_mode or self.filter_cfg is None:
            return self.data_list
        min_size = self.filter_cfg.get('min_size', 0)
        large = [
            image
            for image in self.data_list
            if min(image['width'], image['height']) >= min_size
        ]
        kept = large
        if self.filter_cfg.get('filter_empty_gt'):
            kept = [image for image in large if image['instances']]
        number, small = len(self.data_list), len(self.data_list) - len(large)
        empty = len(large) - len(kept)
        if not kept:
            raise AnnotationError(
                f'{self.ann_file}: nothing to train on. Of {number} images {small} '
                f'have a side below min_size={min_size} and {empty} have no object of '
                f'{name_some(self._metainfo["classes"])}: change filter_cfg, metainfo '
                'or the file.'
            )
        if len(kept) < number:
            instances = sum(len(image['instances']) for image in kept)
            print_log(
                f'{self.ann_file}: {len(kept)} of {number} images with {instances} '
                f'instances are left after filter_cfg; left out: {small} with a side '
                f'below min_size={min_size}, {empty} without objects',
                logger='current',
            )
        return kept

    def _count_objects(self) -> None:
        self.num_objects, self.num_occluded = {}, 0
        for image in self.data_list:
            learned = [each for each in image['instances'] if not each['ignore_flag']]
            self.num_objects[image['img_id']] = len(learned)
            self.num_occluded += sum(each['occlusion_rate'] > 0 for each in learned)

    def _set_categories(self, ids: dict[str, int]) -> None:
        if self._metainfo.get('classes') is None:
            self._metainfo['classes'] = tuple(ids)
        classes = self._metainfo['classes']
        if not isinstance(classes, str):
            # a file of classes may end in blank lines
            classes = tuple(name for name in classes if name != '')
            self._metainfo['classes'] = classes
        problem = None
        if 'CLASSES' in self._metainfo:
            problem = 'metainfo has CLASSES, which is not read: write classes'
        elif isinstance(classes, str):
            problem = (
                f'metainfo.classes is the text {classes!r}: for one class write '
                f'classes=({classes!r},), with a comma'
            )
        elif len(set(classes)) < len(classes):
            problem = f'metainfo.classes names a class twice: {tuple(classes)}'
        elif absent := [name for name in classes if name not in ids]:
            remedy = 'Set metainfo=dict(classes=(...)) to names of the file'
            if self.class_agnostic:
                remedy = 'Leave out metainfo.classes or class_agnostic'
            problem = (
                f'classes {absent} are not among its categories {list(ids)[:10]}'
                f'{_near_match(absent[0], ids)}. {remedy}'
            )
        if problem is not None:
            raise AnnotationError(f'{self.ann_file}: {problem}.')
        self.cat_ids = [ids[name] for name in self._metainfo['classes']]
        self.cat2label = {cat_id: label for label, cat_id in enumerate(self.cat_ids)}

    def _instance(self, annotation: dict, parsed: AmodalAnnotation) -> dict:
        is_occluded = parsed.visible is not parsed.amodal
        return dict(
            bbox=parsed.bbox,
            bbox_label=self.cat2label[annotation['category_id']],
            ignore_flag=int(parsed.iscrowd or parsed.ignore),
            mask=parsed.amodal,
            visible_mask=parsed.visible if is_occluded else None,
            occlusion_rate=parsed.occlusion_rate,
            annotation_id=annotation['id'],
        )

    def _summary(self, file: AnnotationFile, parsed: list[AmodalAnnotation]) -> str:
        """One line: images, objects, and everything corrected or left out."""
        objects, corrected, of_class = Counter(), Counter(), Counter()
        with_objects = set()
        for annotation, one in zip(file.annotations, parsed, strict=True):
            label = self.cat2label.get(annotation['category_id'])
            if label is None:
                objects['left out'] += 1
                continue
            with_objects.add(annotation['image_id'])
            objects['occluded'] += one.is_occluded
            objects['crowds'] += one.iscrowd
            objects['marked "ignore"'] += one.ignore and not one.iscrowd
            of_class[label] += 1
            corrected.update(one.corrections)
        number, empty = sum(of_class.values()), len(file.images) - len(with_objects)
        text = (
            f'{len(file.images)} images ({empty} without objects), {number} instances '
            f'{self._listed(of_class)}'
        )
        if number:
            occluded = objects['occluded']
            text += f', {occluded} of them occluded ({occluded / number:.0%})'
        for what in ('crowds', 'marked "ignore"'):
            if objects[what]:
                text += f', {objects[what]} {what}'
        for what, number in sorted(corrected.items()):
            text += f'; {number} corrected: {what}'
        if left_out := objects['left out']:
            text += f'; {left_out} left out: of a class that is not in metainfo'
        return text

    def _listed(self, of_class: Counter) -> str:
        """Number of instances per class; of many classes the extremes."""
        classes = self._metainfo['classes']
        numbers = {name: of_class[label] for label, name in enumerate(classes)}
        absent = []
        if len(numbers) > 12:
            absent = [name for name in classes if not numbers[name]]
            numbers = {name: number for name, number in numbers.items() if number}
        shown, joint = list(numbers), ', '
        if len(numbers) > 12:
            shown = [each(numbers, key=numbers.get) for each in (min, max)]
            joint = ' to '
        text = joint.join(f'{name} {numbers[name]}' for name in shown)
        if absent:
            text += f'{"; " if text else ""}{len(absent)} of {len(classes)} classes '
            text += f'without one: {name_some(absent)}'
        elif joint == ' to ':
            text = f'{len(classes)} classes, {text}'
        return f'({text})'

    def _check_images(self, data_list: list[dict]) -> None:
        if self.backend_args is not None:
            return
        absent = [
            (image['img_id'], image['img_path'])
            for image in data_list
            if not osp.exists(image['img_path'])
        ]
        if absent:
            image_id, path = absent[0]
            raise FileNotFoundError(
                f'{self.ann_file}: {len(absent)} of {len(data_list)} images are '
                f'missing, the first is image {image_id}: {path}. Set data_root and '
                'data_prefix=dict(img=...) of the data set.'
            )


def name_some(names: Sequence[object], most: int = 3) -> str:
    """The first names, and how many more there are."""
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return ', '.join(map(str, names[:most])) + more


def _near_match(name: object, names: Iterable[str]) -> str:
    """A hint at the name that differs little, as in case or blanks; may be empty."""
    known = {each.strip().casefold(): each for each in names}
    found = get_close_matches(str(name).strip().casefold(), known, n=1)
    return f'; for {name!r}, {known[found[0]]!r} may be meant' if found else ''
