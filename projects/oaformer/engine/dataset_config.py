"""Looking into the config of a data set."""

from mmengine.config import ConfigDict


def innermost_dataset(cfg: ConfigDict) -> ConfigDict:
    """The data set itself, without wrappers such as ConcatDataset (its first).

    Args:
        cfg (ConfigDict): Config of a data set or of a wrapper.

    Returns:
        ConfigDict: Config of the data set.
    """
    while 'dataset' in cfg or 'datasets' in cfg:
        cfg = cfg['dataset'] if 'dataset' in cfg else cfg['datasets'][0]
    return cfg
