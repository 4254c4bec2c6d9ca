"""Reading a config that comes with weights as data, never as a program.

MMEngine runs such a text as Python. Its registries import the module that a ``type``
or ``_scope_`` names, some of MMDetection's classes load files or download weights, and
MMCV evaluates the ``type`` of ``nms`` as an expression. So the text may hold plain
values only, and what inference builds from it is limited to an allow-list.
"""

import ast
from collections.abc import Callable, Mapping
from typing import Any

from mmdet.registry import MODELS, TASK_UTILS
from mmengine.config import Config
from mmengine.registry import WEIGHT_INITIALIZERS

from .dataset_config import innermost_dataset

# Transforms of a test pipeline. They read images or compute.
TRANSFORMS = (
    'CenterCrop',
    'FilterAnnotations',
    'FixShapeResize',
    'LoadAmodalAnnotations',
    'LoadAnnotations',
    'LoadImageFromFile',
    'LoadImageFromNDArray',
    'Normalize',
    'OcclusionRate',
    'PackAmodalInputs',
    'PackDetInputs',
    'Pad',
    'Resize',
)
# Packages and modules whose registered classes compute and do nothing else.
MODEL_PACKAGES = (
    'mmcv.cnn',
    'mmcv.ops',
    'mmdet.models.backbones',
    'mmdet.models.data_preprocessors',
    'mmdet.models.dense_heads',
    'mmdet.models.detectors.cascade_rcnn',
    'mmdet.models.detectors.faster_rcnn',
    'mmdet.models.detectors.mask2former',
    'mmdet.models.detectors.mask_rcnn',
    'mmdet.models.layers',
    'mmdet.models.losses',
    'mmdet.models.necks',
    'mmdet.models.roi_heads',
    'mmdet.models.seg_heads',
    'mmdet.models.task_modules.assigners',
    'mmdet.models.task_modules.coders',
    'mmdet.models.task_modules.prior_generators',
    'mmdet.models.task_modules.samplers',
    'mmengine.model',
    'oaformer',
    'torch.nn',
)
# Functions and layers that MMCV and MMDetection look up outside the registries.
MODEL_NAMES = ('RoIAlign', 'RoIPool', 'nms', 'soft_nms')
VISUALIZERS = ('AmodalLocalVisualizer', 'DetLocalVisualizer')
LOCAL_FILES = (None, {}, dict(backend='local'))


def parse_config(text: str, source: str) -> Config:
    """Read the text that ``Config.pretty_text`` writes.

    Args:
        text: Assignments of plain values, as in a config without ``_base_``.
        source: Where it comes from, for messages.

    Returns:
        The config. Only ``model``, the pipeline of ``test_dataloader`` and
        ``visualizer`` may be built from.

    Raises:
        ValueError: If the text holds anything but plain values, or these parts a type
            or setting that is not allowed.
    """
    try:
        values = {}
        for node in ast.parse(text).body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    values[name] = ast.literal_eval(_DictCalls().visit(value))
                case _:
                    raise ValueError(f'line {node.lineno} is not an assignment')
        cfg = Config(values)
        _check(cfg.get('model'), _is_model_part)
        dataset = innermost_dataset(cfg.get('test_dataloader', {}).get('dataset', {}))
        _check(dataset.get('pipeline'), TRANSFORMS.__contains__)
        # its backends are not built
        visualizer = {**(cfg.get('visualizer') or {}), 'vis_backends': None}
        _check(visualizer, VISUALIZERS.__contains__)
        return cfg
    except (SyntaxError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise ValueError(
            f'the config inside {source} was not used: only plain values and known '
            f'types are read from it ({error}). Name the config file, too, if you '
            'trust it.'
        ) from error


class _DictCalls(ast.NodeTransformer):
    """Writes ``dict(key=value)`` as ``{'key': value}``."""

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords):
                # the None of ``**other`` stays, and literal_eval refuses it
                keys = [word.arg and ast.Constant(word.arg) for word in keywords]
                return ast.Dict(keys, [word.value for word in keywords])
        raise ValueError(f'line {node.lineno} has "{ast.unparse(node)[:60]}"')


def _check(node: Any, is_allowed: Callable[[str], bool]) -> None:
    """Check all types of a part of a config, and the keys beside them."""
    if isinstance(node, Mapping):
        if 'type' in node and not is_allowed(node['type']):
            raise ValueError(f'the type {node["type"]!r} is not allowed')
        if '_scope_' in node:
            raise ValueError(f'the scope {node["_scope_"]!r} would be imported')
        for key in ('backend_args', 'file_client_args'):
            if node.get(key) not in LOCAL_FILES:
                raise ValueError(f'{key}={node[key]} is not allowed')
        node = node.values()
    elif not isinstance(node, (list, tuple)):
        return
    for item in node:
        _check(item, is_allowed)


def _is_model_part(kind: str) -> bool:
    """Whether a name is registered, and what it names is defined in an allowed package.

    Registries are not asked for the name: they import what it may name.
    """
    if kind in MODEL_NAMES:
        return True
    for registry in (MODELS, TASK_UTILS, WEIGHT_INITIALIZERS):
        registry.import_from_location()
        while registry is not None:
            if kind in registry.module_dict:
                module = f'{registry.module_dict[kind].__module__}.'
                return module.startswith(tuple(f'{name}.' for name in MODEL_PACKAGES))
            registry = registry.parent
    return False
