"""Files that a run would write over what it reads, found before it starts."""

import os.path as osp

from mmengine.config import Config

from ...datasets.atomic_write import check_folder, check_output, find_overwritten
from ..dataset_config import innermost_dataset


def check_work_dir(cfg: Config) -> None:
    """Check the work dir, and keep a config that lies in it as it is.

    MMEngine writes its own version of the config there, under the same name; where
    that is the config itself, the name becomes the time of the run.

    Raises:
        OSError: If the work dir can't be written to.
    """
    check_folder(cfg.work_dir, f'--work-dir {cfg.work_dir}')
    written = osp.join(cfg.work_dir, osp.basename(cfg.filename))
    if find_overwritten([written], [cfg.filename]):
        # the config has no setter for it
        object.__setattr__(cfg, '_filename', None)


def check_test_outputs(
    cfg: Config, config: str, checkpoint: str, out: str | None, show_dir: str | None
) -> None:
    """Check that predictions and drawings of a test overwrite none of its inputs.

    Args:
        cfg: The config.
        config: The file of the config.
        checkpoint: The file of the checkpoint.
        out: File of the predictions; None without.
        show_dir: Folder of the drawings; None without.

    Raises:
        OSError: If they would, or can't be written.
    """
    if out is not None:
        check_output(out, config, checkpoint)
    # a relative folder is put below a new one
    if show_dir is None or not osp.isabs(show_dir):
        return
    check_folder(show_dir, f'--show-dir {show_dir}')
    dataset = innermost_dataset(cfg.get('test_dataloader', {}).get('dataset', {}))
    prefix = dataset.get('data_prefix', {}).get('img') or ''
    images = osp.realpath(osp.join(dataset.get('data_root') or '', prefix))
    # drawings have the images' names
    if osp.join(osp.realpath(show_dir), '').startswith(osp.join(images, '')):
        raise OSError(
            f'--show-dir {show_dir} lies in the folder of the images, {images}, which '
            'drawings could overwrite: name another folder'
        )
