"""Bring data sets of the BOP benchmark, and what BlenderProc renders, to the schema.

Each scene is a folder (Hodan et al., BOP: Benchmark for 6D Object Pose Estimation, ECCV
2018): ``scene_gt.json`` lists the objects of its images, ``mask`` holds the silhouette
of each as a PNG, ``mask_visib`` its visible part. Silhouettes end at the edge of the
image, while ``visib_fract`` counts what is beyond it as hidden.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2

from ...structures import RLE, encode_masks, rle_area
from ..annotation import parse_amodal_annotation
from .conversion import (
    Conversion,
    converted_annotation,
    image_size,
    raise_problems,
    read_json,
)


def convert_bop(src: str, sensor: str | None = None) -> Conversion:
    """Convert a split of a BOP data set, such as ``tless/train_pbr``, or one scene.

    Classes are ``obj_000001`` and so on with the ids of the objects: all that have a
    model (``models*/models_info.json`` beside the split) or are in an image.

    Args:
        src: Folder of a split or of a scene. File names are relative to it.
        sensor: Sensor whose files have its name at the end, such as 'realsense' for
            ``scene_gt_realsense.json``; None where there are no such files.

    Returns:
        The annotation file and the counts of everything left out or corrected.

    Raises:
        ValueError: If there is no scene, or something is wrong with its files; names
            all of them.
    """
    end = '' if sensor is None else f'_{sensor}'
    name = f'scene_gt{end}.json'
    scenes = sorted(path.parent for path in Path(src).glob(f'*/{name}'))
    if Path(src, name).is_file():
        scenes = [Path(src)]
    if not scenes:
        raise ValueError(f'{src} has no {name}, and no folder in it has one')
    content: dict[str, list] = dict(images=[], annotations=[])
    result = Conversion('BOP', content, Counter(), Counter(), Counter())
    problems: list[str] = []
    for scene in scenes:
        _add_scene(result, scene, Path(src), end, problems)
    raise_problems(problems)
    ids = {each['category_id'] for each in content['annotations']}
    ids.update(_model_ids(Path(src)))
    content['categories'] = [
        dict(id=each, name=f'obj_{each:06d}') for each in sorted(ids)
    ]
    return result


def _model_ids(folder: Path) -> Iterator[int]:
    """Ids of the objects that have a model, beside a split or beside its scenes."""
    for parent in (folder.absolute(), *folder.absolute().parents[:2]):
        for path in parent.glob('models*/models_info.json'):
            yield from map(int, read_json(path))


def _add_scene(
    result: Conversion, scene: Path, root: Path, end: str, problems: list[str]
) -> None:
    """Add the images of a scene and their objects."""
    images = result.content['images']
    try:
        scene_objects = _read_scene(scene, end)
    except ValueError as error:
        problems.append(str(error))
        return
    for number, objects in sorted(scene_objects.items()):
        try:
            path = _find_image(scene, end, number)
            height, width = image_size(path)
        except ValueError as error:
            problems.append(str(error))
            continue
        name = path.relative_to(root).as_posix()
        image_id = len(images) + 1
        images.append(dict(id=image_id, file_name=name, height=height, width=width))
        for index, (object_id, rate) in enumerate(objects):
            paths = [
                scene / f'{folder}{end}' / f'{number:06d}_{index:06d}.png'
                for folder in ('mask', 'mask_visib')
            ]
            try:
                masks = [_read_mask(each, height, width) for each in paths]
            except ValueError as error:
                problems.append(str(error))
                continue
            _add_object(result, image_id, object_id, *masks, rate)


def _read_scene(scene: Path, end: str) -> dict[int, list[tuple[int, float | None]]]:
    """Id and, where it is known, annotated rate of the objects of each image."""
    path, info = scene / f'scene_gt{end}.json', scene / f'scene_gt_info{end}.json'
    objects = read_json(path)
    infos = read_json(info) if info.is_file() else None
    try:
        return {
            int(key): [
                (
                    int(each['obj_id']),
                    None if infos is None else 1 - infos[key][index]['visib_fract'],
                )
                for index, each in enumerate(listed)
            ]
            for key, listed in objects.items()
        }
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ValueError(
            f'{path} and {info.name} do not hold the objects of images as BOP lists '
            f'them: {error!r}'
        ) from error


def _find_image(scene: Path, end: str, number: int) -> Path:
    paths = [
        scene / f'{folder}{end}' / f'{number:06d}{suffix}'
        for folder in ('rgb', 'gray')
        for suffix in ('.png', '.jpg', '.tif')
    ]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise ValueError(f'{scene}: image {number} is missing, such as {paths[0]}')
    return found


def _read_mask(path: Path, height: int, width: int) -> RLE:
    if not path.is_file():
        raise ValueError(f'{path} is missing')
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise ValueError(f'{path} could not be read as an image')
    if mask.shape != (height, width):
        raise ValueError(
            f'{path} is {mask.shape[0]} x {mask.shape[1]} (height x width), its image '
            f'{height} x {width}'
        )
    return encode_masks(mask[None])[0]


def _add_object(
    result: Conversion,
    image_id: int,
    object_id: int,
    amodal: RLE,
    visible: RLE,
    rate: float | None,
) -> None:
    if rle_area(amodal) == 0:
        result.skipped['outside the image'] += 1
        return
    parsed = parse_amodal_annotation(
        # counts where the rate is another one
        dict(segmentation=amodal, visible_mask=visible, occlude_rate=rate),
        *amodal['size'],
    )
    result.corrected.update(parsed.corrections)
    annotations = result.content['annotations']
    annotations.append(
        converted_annotation(
            parsed, id=len(annotations) + 1, image_id=image_id, category_id=object_id
        )
    )
