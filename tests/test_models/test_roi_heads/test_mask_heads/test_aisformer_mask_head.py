import pytest
import torch
from roi_cases import CHANNELS, TRAIN_CFG, random_batch
from torch import nn

from oaformer.models.roi_heads import AISFormerMaskHead


@pytest.fixture
def head():
    torch.manual_seed(0)
    head = AISFormerMaskHead(3, CHANNELS, feedforward_channels=32)
    head.init_weights()
    return head


@pytest.fixture
def x():
    return torch.randn(3, CHANNELS, 14, 14, generator=torch.Generator().manual_seed(2))


def test_the_layers_are_mmdetections(head, x):
    head.eval()
    pixels = torch.randn(3, 784, CHANNELS)
    position = torch.randn(1, 784, CHANNELS)
    encoded = head.encoder(pixels, position.expand_as(pixels), None)
    torch.testing.assert_close(head._encode(pixels, position), encoded)
    embed = head.query_embed.weight.expand(3, -1, -1)
    decoded = head.decoder(
        torch.zeros_like(embed), pixels, pixels, embed, position.expand_as(pixels)
    )
    torch.testing.assert_close(head._decode(pixels, position), decoded)


def test_number_of_parameters():
    c, hidden = 256, 2048
    attention = 4 * (c * c + c)
    ffn = c * hidden + hidden + hidden * c + c
    norm = 2 * c
    encoder, decoder = attention + ffn + 2 * norm, 2 * attention + ffn + 3 * norm
    convs = (9 * c * c + c) + (4 * c * c + c) + (c * c + c)
    mlps = 3 * (c * c + c) + (2 * c * c + c) + (c * c + c)
    tables = 2 * 50 * 128 + 3 * c
    expected = encoder + decoder + convs + mlps + tables + norm
    assert sum(p.numel() for p in AISFormerMaskHead().parameters()) == expected


def test_queries_make_the_masks(head, x):
    head.eval()
    amodal, visible, occluder, _ = head(x).unbind(1)
    # the queries of visible and amodal mask change places
    with torch.no_grad():
        head.query_embed.weight[[0, 2]] = head.query_embed.weight[[2, 0]].clone()
    swapped = head(x)
    torch.testing.assert_close(swapped[:, 0], visible)
    torch.testing.assert_close(swapped[:, 1], amodal)
    torch.testing.assert_close(swapped[:, 2], occluder)


def test_the_invisible_mask_is_made_of_amodal_and_visible(head, x):
    head.eval()
    first = head.invisible_embed.layers[0].weight
    with torch.no_grad():
        first[:, CHANNELS:] = 0
    before = head(x)
    with torch.no_grad():
        # only the embedding of the visible query, which is now not read
        head.mask_embed = Shifted(head.mask_embed, 0)
    after = head(x)
    assert not torch.allclose(after[:, 1], before[:, 1])
    torch.testing.assert_close(after[:, 3], before[:, 3])
    head.mask_embed.query = 2
    assert not torch.allclose(head(x)[:, 3], before[:, 3])


class Shifted(nn.Module):
    """Adds one to the embedding of a query."""

    def __init__(self, embed, query):
        super().__init__()
        self.embed, self.query = embed, query

    def forward(self, queries):
        embeds = self.embed(queries).clone()
        embeds[:, self.query] += 1
        return embeds


def test_pixels_of_an_encoder_that_does_nothing(head):
    for linear in (head.encoder.self_attn.attn.out_proj, head.encoder.ffn.layers[1]):
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
    roi = torch.randn(2, 784, CHANNELS)
    norm = nn.LayerNorm(CHANNELS)
    encoded = head.eval()._encode(roi, torch.randn(1, 784, CHANNELS))
    torch.testing.assert_close(encoded, norm(norm(roi)))


def test_only_the_amodal_mask(head, x):
    truth, results = random_batch()
    head.loss_weights = dict(amodal=1.0, visible=0.0, occluder=0.0, invisible=0.0)
    preds = torch.randn(12, 4, 28, 28)
    losses = head.loss_and_target(preds, results, truth, TRAIN_CFG)['loss_mask']
    targets = head.targets(results, truth, TRAIN_CFG)['amodal']
    expected = nn.functional.binary_cross_entropy_with_logits(
        preds[:, 0], targets.float()
    )
    torch.testing.assert_close(sum(losses.values()), expected)


def test_dropout_is_for_training(head, x):
    assert not torch.equal(head.train()(x), head(x))
    assert torch.equal(head.eval()(x), head(x))
