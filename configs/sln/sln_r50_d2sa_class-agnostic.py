# The protocol of SLN's paper: one class, in training and in testing.
_base_ = './sln_r50_d2sa.py'

model = dict(
    roi_head=dict(bbox_head=dict(num_classes=1), mask_head=dict(num_classes=1))
)

train_dataloader = _base_.train_dataloader
train_dataloader.dataset.datasets[0].class_agnostic = True
train_dataloader.dataset.datasets[1].class_agnostic = True
val_dataloader = dict(dataset=dict(class_agnostic=True))
test_dataloader = val_dataloader

val_evaluator = dict(class_agnostic=True)
test_evaluator = val_evaluator
