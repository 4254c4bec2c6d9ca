# The protocol of SLN's paper: one class, in training and in testing.
_base_ = './sln_r50_cocoa-cls.py'

model = dict(
    roi_head=dict(bbox_head=dict(num_classes=1), mask_head=dict(num_classes=1))
)

train_dataloader = dict(dataset=dict(class_agnostic=True))
val_dataloader = train_dataloader
test_dataloader = train_dataloader

val_evaluator = dict(class_agnostic=True)
test_evaluator = val_evaluator
