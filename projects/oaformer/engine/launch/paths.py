"""Finding configs and data from any working folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The repository. A wheel has copies of its configs and tools in `.mim`, the folder that
# OpenMMLab's `mim` reads; in the repository these are links.
REPO_ROOT = (Path(__file__).parents[2] / '.mim' / 'configs').resolve().parent
# In a dataset or metric these name files; with a `data_root`, relative to that.
_PATH_KEYS = ('ann_file', 'data_prefix')


def find_config(config: str | Path) -> Path:
    """Find a config relative to the working folder, or else to the repository.

    Raises:
        FileNotFoundError: If it is in neither place.
    """
    candidates = [Path(config), REPO_ROOT / config]
    for path in candidates:
        if path.is_file():
            return path
    places = ' nor '.join(str(path.absolute()) for path in dict.fromkeys(candidates))
    raise FileNotFoundError(f'There is no config {config}: neither {places} exists.')


def resolve_data_paths(cfg: Any) -> Any:
    """Point relative data paths at the repository where it alone has them.

    A path that exists below the working folder stays as it is, as in MMDetection,
    and so does one that exists in neither place: the dataset reports it.

    Args:
        cfg: A dataloader's, dataset's or evaluator's config, or a list of them.

    Returns:
        A copy of ``cfg`` with ``data_root``, ``ann_file`` and ``data_prefix``
        resolved; paths relative to a ``data_root`` stay as they are.
    """

    def resolve(path: Any) -> Any:
        if isinstance(path, Mapping):
            return type(path)({key: resolve(value) for key, value in path.items()})
        if not isinstance(path, str) or not path or '://' in path:
            return path
        if Path(path).exists() or not (REPO_ROOT / path).exists():
            return path
        # A join would drop the trailing slash that MMDetection's configs build on.
        return f'{REPO_ROOT}/{path}'

    def walk(node: Any) -> Any:
        if isinstance(node, (list, tuple)):
            return type(node)(walk(item) for item in node)
        if not isinstance(node, Mapping):
            return node
        keys = ('data_root',) if node.get('data_root') else _PATH_KEYS
        return type(node)(
            {
                key: resolve(value) if key in keys else walk(value)
                for key, value in node.items()
            }
        )

    return walk(cfg)
