# Prompted queries: the model completes given objects, too. All ours, not in the paper.
_base_ = '../oaformer_r50_d2sa.py'

train_pipeline = _base_.train_pipeline
train_pipeline[-1].update(build_visible=True)
train_dataloader = _base_.train_dataloader
train_dataloader.dataset.datasets[0].update(pipeline=train_pipeline)
train_dataloader.dataset.datasets[1].update(pipeline=train_pipeline)

model = dict(panoptic_head=dict(prompts=dict()))
