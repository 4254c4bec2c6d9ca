"""Bring the original COCOA annotations to the package's schema.

COCOA (Zhu et al., Semantic Amodal Segmentation, CVPR 2017) holds one annotation per
image with a list of ``regions``: a flat amodal polygon, a free-text name, the depth
``order`` (1 is the front-most), and, for occluded regions only, ``visible_mask`` and
``invisible_mask``. The schema is flat COCO with D2SA's keys.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ...structures import rle_area, to_rle
from ..annotation import AmodalAnnotation, parse_amodal_annotation
from ..annotation_ids import read_entries
from ..findings import raise_first_error
from .conversion import Conversion, converted_annotation


def convert_cocoa(
    source: Mapping[str, Any],
    filename: str,
    class_names: Sequence[str] | None = None,
    keep_stuff: bool = False,
) -> Conversion:
    """Convert the content of a COCOA file.

    ``occl_depth`` is ``order`` - 1, so 0 is the front as in D2SA. ``depth_constraint``
    moves to the image and speaks of annotation ids instead of region numbers; pairs
    with a region that is left out go with it.

    Args:
        source: Content of the COCOA file, keys ``images`` and ``annotations``.
        filename: Its name, for messages.
        class_names: Region names that become categories 1, 2, ... in this order, upper
            and lower case alike. Everything becomes category 1 'object' where None.
        keep_stuff: Whether to keep regions marked ``isStuff``. Defaults to False, the
            usual choice in instance segmentation.

    Returns:
        The new content and the counts of everything left out or corrected.

    Raises:
        ValueError: If a key is missing or a mask is corrupt; names file, annotation
            and region.
    """
    for key in ('images', 'annotations'):
        if key not in source:
            raise ValueError(f'{filename} has no {key!r}: is it a COCOA file?')
    images, findings = read_entries(
        dict(images=source['images'], categories=[], annotations=[])
    )
    raise_first_error(filename, findings)
    images = {key: dict(image) for key, image in images.items()}
    category_ids = None
    if class_names is not None:
        category_ids = {_clean(name): i for i, name in enumerate(class_names, start=1)}
    skipped, unlisted, corrected = Counter(), Counter(), Counter()
    annotations, annotated = [], set()
    for entry in source['annotations']:
        where = f'{filename}, annotation {entry.get("id", "without id")}'
        image = images.get(entry.get('image_id'))
        if image is None:
            raise ValueError(
                f'{where}: its image_id {entry.get("image_id")} is not among the images'
            )
        if 'regions' not in entry:
            raise ValueError(f'{where} has no "regions": is it an original COCOA file?')
        if image['id'] in annotated:
            # The same objects again, drawn by another annotator.
            skipped['of a second annotator'] += len(entry['regions'])
            continue
        annotated.add(image['id'])
        new_ids = {}
        for number, region in enumerate(entry['regions'], start=1):
            name = _clean(region.get('name', ''))
            category_id = 1 if category_ids is None else category_ids.get(name)
            if region.get('isStuff') and not keep_stuff:
                skipped['stuff'] += 1
                continue
            if category_id is None:
                skipped['with a name not in the list'] += 1
                unlisted[name] += 1
                continue
            try:
                parsed = _parse_region(region, image)
                depth = int(region['order']) - 1 if 'order' in region else None
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(
                    f'{where}, region {number} ({name}): {error}'
                ) from error
            if parsed is None:
                skipped['smaller than a pixel'] += 1
                continue
            corrected.update(parsed.corrections)
            new_ids[number] = len(annotations) + 1
            annotations.append(
                converted_annotation(
                    parsed,
                    id=new_ids[number],
                    image_id=image['id'],
                    category_id=category_id,
                    name=name,
                    occlude_rate=parsed.occlusion_rate,
                    isStuff=int(region.get('isStuff', 0)),
                    **({} if depth is None else dict(occl_depth=depth)),
                )
            )
        if entry.get('depth_constraint'):
            image['depth_constraint'] = _renumber(
                entry['depth_constraint'], new_ids, len(entry['regions']), where
            )
    names = ['object'] if category_ids is None else list(category_ids)
    content = dict(
        images=list(images.values()),
        annotations=annotations,
        categories=[dict(id=i, name=name) for i, name in enumerate(names, start=1)],
    )
    return Conversion('COCOA', content, skipped, corrected, unlisted)


def _clean(name: str) -> str:
    """Region name without the blanks and capitals that COCOA's free text has."""
    return ' '.join(str(name).lower().split())


def _parse_region(
    region: Mapping[str, Any], image: Mapping[str, Any]
) -> AmodalAnnotation | None:
    """The object of a region; None where its polygon covers no pixel."""
    height, width = image['height'], image['width']
    if 'segmentation' not in region:
        raise ValueError('"segmentation" is missing')
    amodal = to_rle(region['segmentation'], height, width)
    if rle_area(amodal) == 0:
        return None
    # Drawn once; its area in the file is the polygon's own.
    masks = ('visible_mask', 'invisible_mask', 'occlude_rate')
    fields = {key: region[key] for key in masks if key in region}
    return parse_amodal_annotation(dict(segmentation=amodal, **fields), height, width)


def _renumber(
    constraint: str, new_ids: Mapping[int, int], num_regions: int, where: str
) -> str:
    """COCOA's 'front-back,...' with annotation ids in place of region numbers."""
    pairs = []
    for pair in constraint.split(','):
        try:
            front, back = (int(number) for number in pair.split('-'))
        except ValueError:
            raise ValueError(
                f'{where}: depth_constraint holds {pair!r}, which is not a pair of '
                'region numbers such as 1-2'
            ) from None
        if not (1 <= front <= num_regions and 1 <= back <= num_regions):
            raise ValueError(
                f'{where}: depth_constraint holds {pair!r}, but its regions are 1 to '
                f'{num_regions}'
            )
        if front in new_ids and back in new_ids:
            pairs.append(f'{new_ids[front]}-{new_ids[back]}')
    return ','.join(pairs)
