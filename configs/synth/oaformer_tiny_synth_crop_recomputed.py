# Occlusion rates measured in the augmented image, not annotated. Ours.
_base_ = './oaformer_tiny_synth_crop.py'

train_pipeline = _base_.train_pipeline
train_pipeline.insert(-1, dict(type='OcclusionRate', mode='recomputed'))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
