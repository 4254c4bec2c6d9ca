# As many iterations on a few images, the first of the file. All ours.
_base_ = './oaformer_tiny_synth.py'

images = 80
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='RepeatDataset',
        times=4800 // images,
        dataset=dict(_base_.train_dataloader.dataset, indices=images),
    )
)
