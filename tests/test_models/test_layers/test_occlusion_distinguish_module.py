import pytest
import torch
from tiny_models import DECODER_LAYER, EMBED_DIMS

from oaformer.models import OcclusionDistinguishModule, OcclusionEmbeddingModule
from oaformer.models.layers import DecoderMemory


def memory(batch_size=2, sizes=(6, 24)):
    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(*shape, generator=generator)

    return DecoderMemory(
        [draw(batch_size, size, EMBED_DIMS) for size in sizes],
        [draw(1, size, EMBED_DIMS) for size in sizes],
        [draw(batch_size, EMBED_DIMS, size) for size in sizes],
    )


def module(**changes):
    torch.manual_seed(0)
    return OcclusionDistinguishModule(
        layer_cfg=DECODER_LAYER,
        embed_dims=EMBED_DIMS,
        out_channels=EMBED_DIMS,
        **changes,
    ).eval()


def queries(batch_size=2, count=5):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, batch_size, count, EMBED_DIMS, generator=generator)


def test_embedding_module_goes_two_ways():
    torch.manual_seed(0)
    embedding = OcclusionEmbeddingModule(EMBED_DIMS, 16)
    mask_embed, logits = embedding(torch.randn(2, 5, EMBED_DIMS))
    assert mask_embed.shape == (2, 5, 16)
    assert logits.shape == (2, 5)
    # each way has parameters of its own, and both share the occlusion embedding
    logits.sum().backward()
    assert all(p.grad is None for p in embedding.mask_embed.parameters())
    assert all(p.grad is not None for p in embedding.occlusion_embed.parameters())


def test_stages_before_between_and_after_the_layers():
    odm = module(num_layers=3)
    query, query_embed = queries()
    stages, logits = odm(query, query_embed, memory())
    assert len(stages) == len(logits) == 4
    assert torch.equal(stages[0].query, query)
    for stage, rate in zip(stages, logits, strict=True):
        mask_embed, expected = odm.occlusion_embedding(stage.normed_query)
        torch.testing.assert_close(stage.mask_embed, mask_embed)
        torch.testing.assert_close(rate, expected)


def test_without_rates_nothing_predicts_them():
    odm = module(with_occlusion_rate=False)
    assert odm(*queries(), memory())[1] == []
    assert not any('occlusion_rate' in name for name, _ in odm.named_parameters())


def test_permuting_queries_permutes_the_result():
    odm = module()
    query, query_embed = queries()
    order = torch.tensor([3, 0, 4, 1, 2])
    stages, logits = odm(query, query_embed, memory())
    moved, moved_logits = odm(query[:, order], query_embed[:, order], memory())
    torch.testing.assert_close(moved[-1].query, stages[-1].query[:, order])
    torch.testing.assert_close(moved_logits[-1], logits[-1][:, order])


@pytest.mark.parametrize('attention_mask', ['binary', 'soft'])
def test_every_parameter_learns(attention_mask):
    odm = module(attention_mask=attention_mask)
    stages, logits = odm(*queries(), memory())
    total = sum(logit.sum() for logit in logits)
    (total + sum(stage.mask_embed.square().sum() for stage in stages)).backward()
    assert all(p.grad is not None for p in odm.parameters())


def test_soft_and_binary_masks_attend_differently():
    query, query_embed = queries()
    binary, _ = module(attention_mask='binary')(query, query_embed, memory())
    soft, _ = module(attention_mask='soft')(query, query_embed, memory())
    assert torch.equal(binary[0].mask_embed, soft[0].mask_embed)
    assert not torch.allclose(binary[1].query, soft[1].query)


def test_unknown_attention_mask_is_named():
    with pytest.raises(ValueError, match=r"\['binary', 'soft'\], not 'hard'"):
        module(attention_mask='hard')
