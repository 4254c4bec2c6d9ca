"""The two models that are compared, with equal weights, and their inputs."""

from pathlib import Path

import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.config import Config, ConfigDict
from mmengine.hub import get_config
from torch import Tensor, nn

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
NUM_CLASSES = 60
CLASSES = tuple(f'class{index}' for index in range(NUM_CLASSES))
STOCK = 'mmdet::mask2former/mask2former_r50_8xb2-lsj-50e_coco.py'


def pipelines(name: str) -> tuple[list[dict], list[dict]]:
    """Stock's and our 'train_pipeline' or 'test_pipeline'."""
    ours = Config.fromfile(CONFIGS / 'oaformer_r50_d2sa.py')
    return get_config(STOCK)[name], ours[name]


def stock_config(num_queries: int) -> ConfigDict:
    """MMDetection's Mask2Former-R50 for 60 classes, losses in the paper's scale."""
    cfg = get_config(STOCK).model
    cfg.backbone.init_cfg = None
    cfg.data_preprocessor.batch_augments = None
    head = cfg.panoptic_head
    head.update(num_things_classes=NUM_CLASSES, num_queries=num_queries)
    head.loss_cls.update(class_weight=[1.0] * NUM_CLASSES + [0.1], loss_weight=0.2)
    head.loss_mask.loss_weight = head.loss_dice.loss_weight = 0.5
    cfg.panoptic_fusion_head.num_things_classes = NUM_CLASSES
    return cfg


def our_config(num_queries: int, odm: bool) -> ConfigDict:
    """OAFormer-R50 for D2SA, with or without ODM."""
    name = 'oaformer_r50_d2sa' if odm else 'oaformer/ablations/oaformer_r50_d2sa_wo-odm'
    cfg = Config.fromfile(CONFIGS / f'{name}.py').model
    cfg.backbone.init_cfg = None
    cfg.data_preprocessor.batch_augments = None
    cfg.panoptic_head.num_queries = num_queries
    return cfg


def model_pair(
    num_queries: int, device: str, num_cp: int = -1
) -> tuple[nn.Module, nn.Module]:
    """Stock Mask2Former and OAFormer without ODM, with the same weights.

    The first ``num_cp`` layers of our pixel decoder's encoder keep no activations.
    """
    torch.manual_seed(0)
    stock = MODELS.build(stock_config(num_queries))
    cfg = our_config(num_queries, odm=False)
    cfg.panoptic_head.pixel_decoder.encoder.num_cp = num_cp
    ours = MODELS.build(cfg)
    # frozen batch norm has no counter of batches
    weights = {
        key: value
        for key, value in stock.state_dict().items()
        if not key.endswith('num_batches_tracked')
    }
    ours.load_state_dict(weights, strict=True)
    return stock.to(device), ours.to(device)


class FixedPixelDecoder(nn.Module):
    """Returns the same features every time."""

    def __init__(self, mask_features: Tensor, levels: list[Tensor]) -> None:
        super().__init__()
        self.result = mask_features, levels

    def forward(self, x: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Ignore the input."""
        return self.result


def decoder_features(
    height: int, width: int, device: str, batch_size: int = 1
) -> tuple[Tensor, list[Tensor]]:
    """Smooth random features of images, as a pixel decoder returns them."""
    generator = torch.Generator().manual_seed(0)

    def draw(stride: int) -> Tensor:
        coarse = torch.randn(batch_size, 256, 8, 8, generator=generator)
        size = (height // stride, width // stride)
        return nn.functional.interpolate(coarse, size, mode='bicubic').to(device)

    return draw(4), [draw(32), draw(16), draw(8)]


def meta_samples(
    size: tuple[int, int], output: tuple[int, int], batch_size: int = 1
) -> list[DetDataSample]:
    """Samples that know their sizes only."""
    meta = dict(batch_input_shape=size, img_shape=size, ori_shape=output)
    return [DetDataSample(metainfo=meta) for _ in range(batch_size)]
