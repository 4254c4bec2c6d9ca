import pytest
from mmengine.config import Config

from oaformer.apis.embedded_config import parse_config


@pytest.mark.parametrize(
    'name', ['oaformer_r50_d2sa.py', 'synth/oaformer_tiny_cocoa-sample.py']
)
def test_own_configs_pass_unchanged(repo_root, name):
    cfg = Config.fromfile(repo_root / 'configs' / name)
    parsed = parse_config(cfg.pretty_text, 'weights.pth')
    assert parsed.to_dict() == cfg.to_dict()


def test_plain_values():
    text = (
        "a = dict(b=[1, -2.5, 1e-5], c=(None, True), d={'e-f': 'g'})\n"
        "model = dict(type='OAFormer', backbone=dict(type='ResNet', depth=50))\n"
        'empty = ()\n'
    )
    assert parse_config(text, 'w').to_dict() == dict(
        a=dict(b=[1, -2.5, 1e-5], c=(None, True), d={'e-f': 'g'}),
        model=dict(type='OAFormer', backbone=dict(type='ResNet', depth=50)),
        empty=(),
    )


@pytest.mark.parametrize(
    ('text', 'reason'),
    [
        ('import os', 'line 1 is no assignment'),
        ('a = 1\nprint(a)', 'line 2 is no assignment'),
        ('a = b = 1', 'line 1 is no assignment'),
        ('a.b = 1', 'line 1 is no assignment'),
        ("a = __import__('os').system('true')", 'line 1 has'),
        ('a = [x for x in (1, 2)]', 'line 1 has'),
        ("a = dict(b=open('/etc/hostname'))", 'line 1 has'),
        ('a = dict(**{})', 'line 1 has'),
        ('a = dict([(1, 2)])', 'line 1 has'),
        ('a = {**{}}', 'line 1 has'),
        ("a = f'{1}'", 'line 1 has'),
        ('a = b', 'line 1 has "b"'),
        ('a = (', 'never closed'),
        ("a = dict(type='os.system', command='true')", 'would be imported'),
        ("a = [dict(b=(dict(type='mmengine.load'),))]", 'would be imported'),
    ],
)
def test_anything_else_is_refused(text, reason):
    with pytest.raises(ValueError, match='inside weights.pth was not used') as caught:
        parse_config(text, 'weights.pth')
    assert reason in str(caught.value)
