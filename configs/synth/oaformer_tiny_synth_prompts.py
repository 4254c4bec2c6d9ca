# oaformer_tiny_synth.py with prompted queries: it completes given objects, too.
# All ours.
_base_ = './oaformer_tiny_synth.py'

train_pipeline = _base_.train_pipeline
train_pipeline[-1].update(build_visible=True)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

model = dict(panoptic_head=dict(prompts=dict()))
