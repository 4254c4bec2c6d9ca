"""The smallest thing that MMEngine trains: a line through numbered points."""

import torch
from mmdet.registry import DATASETS, METRICS, MODELS
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from torch.utils.data import Dataset


@DATASETS.register_module()
class ToyDataset(Dataset):
    def __len__(self):
        return 7

    def __getitem__(self, index):
        x = torch.tensor([index / 7.0])
        return dict(inputs=x, data_samples=2 * x - 1)


@MODELS.register_module()
class ToyModel(BaseModel):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(1, 1)

    def forward(self, inputs, data_samples, mode='tensor'):
        inputs, data_samples = torch.stack(inputs), torch.stack(data_samples)
        prediction = self.line(inputs)
        if mode == 'loss':
            weights = torch.rand_like(prediction)
            return dict(loss=(weights * (prediction - data_samples).square()).mean())
        return [dict(error=e) for e in (prediction - data_samples).abs().flatten()]


@METRICS.register_module()
class ToyMetric(BaseMetric):
    default_prefix = 'toy'

    def process(self, data_batch, data_samples):
        self.results += [sample['error'].item() for sample in data_samples]

    def compute_metrics(self, results):
        return dict(error=sum(results) / len(results), count=len(results))
