"""Mask2Former's original release in little, with its names.

Written after facebookresearch/Mask2Former and detectron2, with plain modules of torch;
only the sampling of deformable attention and the positional encoding are OpenMMLab's.
It shows the names of the parameters there, their use, and the order of the levels.
"""

import torch
import torch.nn.functional as F
from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch
from mmdet.models.layers import SinePositionalEncoding
from torch import nn

DIMS, HIDDEN, HEADS, LEVELS, POINTS = 32, 48, 4, 3, 4
CHANNELS = (8, 16, 32, 64)
NUM_QUERIES, NUM_LAYERS = 7, 7


class NormedConv(nn.Conv2d):
    """detectron2's Conv2d: its norm is a child of the convolution."""

    def __init__(self, *args, norm, **kwargs):
        super().__init__(*args, bias=False, **kwargs)
        self.norm = norm

    def forward(self, x):
        return self.norm(super().forward(x))


class FrozenBatchNorm(nn.Module):
    """Four buffers and no counter."""

    def __init__(self, channels):
        super().__init__()
        for name in ('weight', 'bias', 'running_mean', 'running_var'):
            value = torch.rand(channels) + 0.5
            self.register_buffer(name, value)

    def forward(self, x):
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias
        )


def conv(cin, cout, size, stride=1):
    norm = FrozenBatchNorm(cout)
    return NormedConv(cin, cout, size, stride, size // 2, norm=norm)


class Block(nn.Module):
    """A residual block; with a stride in the 3x3 convolution (STRIDE_IN_1X1: False)."""

    def __init__(self, cin, cout, stride, bottleneck):
        super().__init__()
        if bottleneck:
            self.conv1 = conv(cin, cout // 4, 1)
            self.conv2 = conv(cout // 4, cout // 4, 3, stride)
            self.conv3 = conv(cout // 4, cout, 1)
        else:
            self.conv1 = conv(cin, cout, 3, stride)
            self.conv2 = conv(cout, cout, 3)
            self.conv3 = None
        self.shortcut = conv(cin, cout, 1, stride) if cin != cout else None

    def forward(self, x):
        out = self.conv2(self.conv1(x).relu())
        if self.conv3 is not None:
            out = self.conv3(out.relu())
        return (out + (x if self.shortcut is None else self.shortcut(x))).relu()


class Stem(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = conv(3, channels, 7, 2)

    def forward(self, x):
        return F.max_pool2d(self.conv1(x).relu(), 3, 2, 1)


class ResNet(nn.Module):
    def __init__(self, stem, depths, bottleneck):
        super().__init__()
        self.stem = Stem(stem)
        before = stem
        for stage, (width, depth) in enumerate(zip(CHANNELS, depths, strict=True)):
            blocks = []
            for index in range(depth):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(Block(before, width, stride, bottleneck))
                before = width
            self.add_module(f'res{stage + 2}', nn.Sequential(*blocks))

    def forward(self, x):
        x = self.stem(x)
        features = {}
        for name in ('res2', 'res3', 'res4', 'res5'):
            x = features[name] = getattr(self, name)(x)
        return features


def positions(x):
    """Normalised sine encoding, (1, C, H, W)."""
    padding = torch.zeros(1, *x.shape[-2:], dtype=torch.bool)
    return SinePositionalEncoding(DIMS // 2, normalize=True)(padding)


class DeformableAttention(nn.Module):
    def __init__(self):
        super().__init__()
        self.sampling_offsets = nn.Linear(DIMS, HEADS * LEVELS * POINTS * 2)
        self.attention_weights = nn.Linear(DIMS, HEADS * LEVELS * POINTS)
        self.value_proj = nn.Linear(DIMS, DIMS)
        self.output_proj = nn.Linear(DIMS, DIMS)

    def forward(self, query, reference, source, sizes):
        batch, number, _ = query.shape
        shape = (batch, number, HEADS, LEVELS, POINTS)
        value = self.value_proj(source).view(batch, number, HEADS, -1)
        offsets = self.sampling_offsets(query).view(*shape, 2)
        weights = self.attention_weights(query).view(batch, number, HEADS, -1)
        weights = weights.softmax(-1).view(shape)
        width_height = torch.tensor([[w, h] for h, w in sizes])
        places = reference[:, :, None, None, None] + (
            offsets / width_height[None, None, None, :, None]
        )
        out = multi_scale_deformable_attn_pytorch(
            value, torch.tensor(sizes), places, weights
        )
        return self.output_proj(out)


class EncoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.self_attn = DeformableAttention()
        self.norm1 = nn.LayerNorm(DIMS)
        self.linear1 = nn.Linear(DIMS, HIDDEN)
        self.linear2 = nn.Linear(HIDDEN, DIMS)
        self.norm2 = nn.LayerNorm(DIMS)

    def forward(self, x, position, reference, sizes):
        x = self.norm1(x + self.self_attn(x + position, reference, x, sizes))
        return self.norm2(x + self.linear2(self.linear1(x).relu()))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.level_embed = nn.Parameter(torch.randn(LEVELS, DIMS))
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList([EncoderLayer()])

    def forward(self, sources):
        sizes = [tuple(x.shape[-2:]) for x in sources]
        flat = torch.cat([x.flatten(2).transpose(1, 2) for x in sources], 1)
        position = torch.cat(
            [
                positions(x).flatten(2).transpose(1, 2) + embed
                for x, embed in zip(sources, self.level_embed, strict=True)
            ],
            1,
        )
        reference = []
        for height, width in sizes:
            y = (torch.arange(height) + 0.5) / height
            x = (torch.arange(width) + 0.5) / width
            y, x = torch.meshgrid(y, x, indexing='ij')
            reference.append(torch.stack([x.flatten(), y.flatten()], -1))
        reference = torch.cat(reference)[None]
        for layer in self.encoder.layers:
            flat = layer(flat, position, reference, sizes)
        parts = flat.split([h * w for h, w in sizes], 1)
        return [
            part.transpose(1, 2).unflatten(2, size)
            for part, size in zip(parts, sizes, strict=True)
        ]


class PixelDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        # from res5 to res3
        self.input_proj = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, DIMS, 1), nn.GroupNorm(8, DIMS))
            for c in CHANNELS[:0:-1]
        )
        self.transformer = Encoder()
        self.adapter_1 = NormedConv(CHANNELS[0], DIMS, 1, norm=nn.GroupNorm(8, DIMS))
        self.layer_1 = NormedConv(DIMS, DIMS, 3, padding=1, norm=nn.GroupNorm(8, DIMS))
        self.mask_features = nn.Conv2d(DIMS, DIMS, 1)

    def forward(self, features):
        names = ('res5', 'res4', 'res3')
        levels = self.transformer(
            [proj(features[n]) for proj, n in zip(self.input_proj, names, strict=True)]
        )
        lateral = self.adapter_1(features['res2'])
        finest = lateral + F.interpolate(
            levels[-1], lateral.shape[-2:], mode='bilinear', align_corners=False
        )
        return self.mask_features(self.layer_1(finest).relu()), levels


class Attention(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.name = name
        self.add_module(name, nn.MultiheadAttention(DIMS, HEADS))
        self.norm = nn.LayerNorm(DIMS)

    def forward(self, x, query, key, value, mask=None):
        attended, _ = getattr(self, self.name)(query, key, value, attn_mask=mask)
        return self.norm(x + attended)


class FeedForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear1 = nn.Linear(DIMS, HIDDEN)
        self.linear2 = nn.Linear(HIDDEN, DIMS)
        self.norm = nn.LayerNorm(DIMS)

    def forward(self, x):
        return self.norm(x + self.linear2(self.linear1(x).relu()))


class Predictor(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.transformer_cross_attention_layers = nn.ModuleList(
            Attention('multihead_attn') for _ in range(NUM_LAYERS)
        )
        self.transformer_self_attention_layers = nn.ModuleList(
            Attention('self_attn') for _ in range(NUM_LAYERS)
        )
        self.transformer_ffn_layers = nn.ModuleList(
            FeedForward() for _ in range(NUM_LAYERS)
        )
        self.decoder_norm = nn.LayerNorm(DIMS)
        self.query_feat = nn.Embedding(NUM_QUERIES, DIMS)
        self.query_embed = nn.Embedding(NUM_QUERIES, DIMS)
        self.level_embed = nn.Embedding(LEVELS, DIMS)
        self.class_embed = nn.Linear(DIMS, num_classes + 1)
        self.mask_embed = nn.Module()
        self.mask_embed.layers = nn.ModuleList(nn.Linear(DIMS, DIMS) for _ in range(3))

    def forward(self, mask_features, levels):
        batch = len(mask_features)
        # (N, B, C) as torch's attention has it by default
        memory = [
            (x.flatten(2) + embed[:, None]).permute(2, 0, 1)
            for x, embed in zip(levels, self.level_embed.weight, strict=True)
        ]
        keys = [
            value + positions(x).flatten(2).permute(2, 0, 1)
            for value, x in zip(memory, levels, strict=True)
        ]
        sizes = [x.shape[-2:] for x in levels]
        position = self.query_embed.weight[:, None].expand(-1, batch, -1)
        x = self.query_feat.weight[:, None].expand(-1, batch, -1)
        stages = [self.predict(x, mask_features)]
        for index, (cross, own, forward) in enumerate(
            zip(
                self.transformer_cross_attention_layers,
                self.transformer_self_attention_layers,
                self.transformer_ffn_layers,
                strict=True,
            )
        ):
            level = index % 3
            mask = F.interpolate(
                stages[-1][1], sizes[level], mode='bilinear', align_corners=False
            )
            mask = mask.flatten(2).sigmoid() < 0.5
            mask = mask & ~mask.all(-1, keepdim=True)
            mask = mask.repeat_interleave(HEADS, dim=0)
            x = cross(x, x + position, keys[level], memory[level], mask)
            x = forward(own(x, x + position, x + position, x))
            stages.append(self.predict(x, mask_features))
        return stages

    def predict(self, x, mask_features):
        x = self.decoder_norm(x).transpose(0, 1)
        classes = self.class_embed(x)
        first, second, third = self.mask_embed.layers
        embed = third(second(first(x).relu()).relu())
        return classes, torch.einsum('bqc,bchw->bqhw', embed, mask_features)


class OriginalMask2Former(nn.Module):
    """Normalised images (B, 3, H, W) to class and mask logits of every stage."""

    def __init__(self, num_classes, stem=8, depths=(2, 2, 2, 2), bottleneck=False):
        super().__init__()
        self.backbone = ResNet(stem, depths, bottleneck)
        self.sem_seg_head = nn.Module()
        self.sem_seg_head.pixel_decoder = PixelDecoder()
        self.sem_seg_head.predictor = Predictor(num_classes)
        self.criterion = nn.Module()
        self.criterion.register_buffer('empty_weight', torch.ones(num_classes + 1))
        # norms of 1 and 0 would hide that one is taken for another
        for name, parameter in self.named_parameters():
            if parameter.dim() == 1:
                nn.init.normal_(parameter, float('norm' in name), 0.1)

    def forward(self, images):
        features = self.backbone(images)
        mask_features, levels = self.sem_seg_head.pixel_decoder(features)
        return self.sem_seg_head.predictor(mask_features, levels)
