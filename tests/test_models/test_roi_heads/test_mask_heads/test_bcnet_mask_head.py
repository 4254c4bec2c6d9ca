import pytest
import torch
import torch.nn.functional as F
from roi_cases import CHANNELS, TRAIN_CFG, instances, random_batch, rois, two_objects

from oaformer.models.roi_heads import BCNetMaskHead
from oaformer.models.roi_heads.mask_boundaries import mask_boundaries


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = BCNetMaskHead(3, CHANNELS)
    head.init_weights()
    return head


def test_without_the_blocks_it_is_plain_convolutions(head):
    for branch in (head.occluder, head.occludee):
        for parameter in (
            branch.block.conv_out.bn.weight,
            branch.block.conv_out.bn.bias,
        ):
            torch.nn.init.zeros_(parameter)
    x = torch.randn(4, CHANNELS, 14, 14)

    def convs(branch, x):
        for conv in (*branch.before, *branch.after):
            x = conv.conv(x).relu()
        return x

    front = convs(head.occluder, x)
    own = convs(head.occludee, x + front)
    expected = torch.cat(
        [
            head.predictors['amodal'](own),
            head.predictors['boundary'](own),
            head.predictors['occluder'](front),
            head.predictors['occluder_boundary'](front),
        ],
        dim=1,
    )
    torch.testing.assert_close(head(x), expected)


def test_initial_weights(head):
    block = head.occluder.block
    assert (block.conv_out.bn.weight == 1).all() and block.conv_out.bn.eps == 1e-4
    # kaiming, fan out
    weight = block.theta.conv.weight.detach()
    assert float(weight.std()) == pytest.approx((2 / CHANNELS) ** 0.5, rel=0.2)
    assert head.predictors['amodal'][2].weight.std() < 0.003
    assert head.loss_weights == dict(
        amodal=1, boundary=1, occluder=0.25, occluder_boundary=1
    )


def test_targets_by_hand():
    box, meta = [5.0, 0, 15, 7], [1]
    for rule, in_front in (('occluders', [0, 10]), ('neighbours', [25, 10])):
        head = BCNetMaskHead(3, CHANNELS, occluder_rule=rule)
        masks = head.object_masks(instances(two_objects()), torch.device('cpu'))
        assert masks['occluder'].sum((1, 2)).tolist() == in_front
    truth = [instances(two_objects())]
    targets = head.targets([rois([box], meta, [1])], truth, TRAIN_CFG)
    # columns 5 to 9 and rows 5 and 6 of a box of 10 x 7 at 28 x 28, without corners
    assert targets['occluder'][0, 21:27, :14].all()
    assert targets['occluder'].sum() == 8 * 14 - 4
    for name, mask in (('boundary', 'amodal'), ('occluder_boundary', 'occluder')):
        assert torch.equal(targets[name], mask_boundaries(targets[mask]))


def test_occluders_are_learned_where_there_are_some(head):
    logits = {name: torch.randn(5, 28, 28) for name in head.branches}
    targets = {name: torch.rand(5, 28, 28) < 0.5 for name in head.branches}
    targets['occluder'][[0, 2, 4]] = False
    losses = head.losses(logits, targets)
    for name, rows in (('occluder', [1, 3, 0, 1]), ('boundary', range(5))):
        each = [
            F.binary_cross_entropy_with_logits(
                logits[name][i], targets[name][i].float()
            )
            for i in rows
        ]
        torch.testing.assert_close(losses[name], torch.stack(each).mean())
    targets['occluder'][:] = False
    losses = head.losses(logits, targets)
    assert losses['occluder'] == losses['occluder_boundary'] == 0


def test_classes_do_not_matter(head):
    truth, results = random_batch()
    x = torch.randn(12, CHANNELS, 14, 14)
    before = head.loss_and_target(head.eval()(x), results, truth, TRAIN_CFG)
    for result in results:
        result.pos_gt_labels = 2 - result.pos_gt_labels
    after = head.loss_and_target(head(x), results, truth, TRAIN_CFG)
    assert before['loss_mask'] == after['loss_mask']
