# Mixed precision in bfloat16, for GPUs that have it (Ampere and later). It has the
# range of float32, so that the loss needs no scale. float16: tools/train.py --amp
_base_ = './oaformer_r50_d2sa.py'

optim_wrapper = dict(  # ours
    type='AmpOptimWrapper', dtype='bfloat16', loss_scale=1.0
)
