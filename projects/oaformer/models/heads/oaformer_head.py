"""The OAFormer head: pixel decoder, ODM, amodal decoder, losses."""

import copy

import torch
from mmdet.models.dense_heads import Mask2FormerHead
from mmdet.registry import MODELS
from mmdet.structures import SampleList
from mmdet.utils import ConfigType, OptConfigType, reduce_mean
from mmengine.config import ConfigDict
from torch import Tensor

from ..layers import (
    DecoderMemory,
    DecoderStage,
    PromptEncoder,
    check_layer_cfg,
    masked_attention_stages,
    resize_mask_features,
    self_attention_mask,
)
from ..losses import LossFunctions, PointSampling, stage_losses, with_class_weight
from ..task_modules import (
    AmodalTargets,
    Matches,
    OAFormerOutput,
    Prompts,
    amodal_targets,
    draw_prompts,
    match_stages,
    matching_weights,
)


@MODELS.register_module()
class OAFormerHead(Mask2FormerHead):
    """Mask2Former's head with an occlusion distinguish module before its decoder.

    With ``odm=None`` it is MMDetection's ``Mask2FormerHead``: same parameters,
    same names, same outputs.

    Args:
        loss_cls: As in MMDetection; ``bg_cls_weight``, the weight of the background
            class, may replace the list ``class_weight``.
        odm: Config of :class:`OcclusionDistinguishModule`, or None. Embedding
            sizes and the layer config follow the amodal decoder's.
        loss_occlusion: Config of :class:`OcclusionRateLoss`. None trains and
            predicts no occlusion rates (the paper's table 3, rows without it).
        amodal_occlusion_rates: Whether to predict rates from the amodal decoder's
            queries as well, by the ODM's embedding module. Then the rate of a
            prediction is that of its final query. Otherwise it is the ODM's last
            rate of the same query, which may have been matched to another object
            there, since every stage has a matching of its own.
        loss_visible_mask: Config of the cross-entropy of visible masks; missing keys
            are taken from ``loss_mask``. Given together with
            ``loss_visible_dice`` it adds the visible-mask branch, which the paper
            does not have. None predicts no visible masks.
        loss_visible_dice: Config of the dice loss of visible masks; missing keys are
            taken from ``loss_dice``.
        prompts: Options of :class:`PromptEncoder`. Given, each object that is seen in a
            training image enters the decoder once more as a query made of what is known
            of it, and :meth:`complete` predicts objects of which that much is known.
            The paper does not have it. None leaves it out.
        **kwargs: Arguments of ``Mask2FormerHead``.

    Raises:
        ValueError: If only one of the visible losses is given, or the decoder's
            ``layer_cfg`` is not supported; see :func:`check_layer_cfg`.
    """

    def __init__(
        self,
        *,
        loss_cls: ConfigType,
        odm: OptConfigType = None,
        loss_occlusion: OptConfigType = None,
        amodal_occlusion_rates: bool = True,
        loss_visible_mask: OptConfigType = None,
        loss_visible_dice: OptConfigType = None,
        prompts: OptConfigType = None,
        **kwargs,
    ) -> None:
        # MMDetection reads nested configs by attribute
        kwargs = ConfigDict(kwargs)
        check_layer_cfg(kwargs.transformer_decoder.layer_cfg)
        loss_cls = with_class_weight(
            loss_cls,
            kwargs.get('num_things_classes', 80) + kwargs.get('num_stuff_classes', 53),
        )
        super().__init__(loss_cls=loss_cls, **kwargs)
        self.odm = None
        self.loss_occlusion = None
        self.amodal_occlusion_rates = False
        if odm is not None:
            self.odm = MODELS.build(
                odm,
                default_args=dict(
                    layer_cfg=kwargs.transformer_decoder.layer_cfg,
                    embed_dims=self.decoder_embed_dims,
                    out_channels=kwargs['out_channels'],
                    with_occlusion_rate=loss_occlusion is not None,
                ),
            )
            if loss_occlusion is not None:
                self.loss_occlusion = MODELS.build(loss_occlusion)
                self.amodal_occlusion_rates = amodal_occlusion_rates
        if (loss_visible_mask is None) != (loss_visible_dice is None):
            raise ValueError(
                'panoptic_head.loss_visible_mask and loss_visible_dice go together; '
                'loss_weight=0.0 leaves one of them out'
            )
        self.visible_mask_embed = None
        if loss_visible_mask is not None:
            # a copy: at the start the visible mask is the amodal one
            self.visible_mask_embed = copy.deepcopy(self.mask_embed)
            self.loss_visible_mask = MODELS.build(
                loss_visible_mask, default_args=kwargs['loss_mask']
            )
            self.loss_visible_dice = MODELS.build(
                loss_visible_dice, default_args=kwargs['loss_dice']
            )
        self.prompt_encoder = None
        if prompts is not None:
            self.prompt_encoder = PromptEncoder(
                self.num_classes, self.decoder_embed_dims, **prompts
            )
        if self.train_cfg:
            self.matching_weights = matching_weights(self.assigner)

    def init_weights(self) -> None:
        """Initialise as Mask2Former does, the ODM likewise."""
        super().init_weights()
        if self.odm is not None:
            self.odm.init_weights()

    def forward(
        self,
        x: list[Tensor],
        batch_data_samples: SampleList | None = None,
        prompts: Prompts | None = None,
        only_prompts: bool = False,
    ) -> OAFormerOutput:
        """Predict classes, mask embeddings and, where trained, the rest at every stage.

        Args:
            x: Backbone features, (B, C_l, H_l, W_l) each, fine to coarse.
            batch_data_samples: Not used; MMDetection passes it.
            prompts: Objects that get a query each, behind the learned ones.
            only_prompts: Leave the learned queries out. The others look at none of
                them, so this changes nothing else.
        """
        mask_features, memory = self._decode_pixels(x)
        # len() would be a constant in an exported graph
        batch_size = mask_features.shape[0]
        query = self.query_feat.weight.expand(batch_size, -1, -1)
        query_embed = self.query_embed.weight.expand(batch_size, -1, -1)
        self_mask, prompt_masks = None, []
        if prompts is not None:
            if only_prompts:
                query, query_embed = query[:, :0], query_embed[:, :0]
            prompted = self.prompt_encoder(prompts, memory.sizes)
            self_mask = self_attention_mask(query.shape[1], prompted.valid)
            query = torch.cat([query, prompted.query], dim=1)
            query_embed = torch.cat([query_embed, prompted.query_embed], dim=1)
            prompt_masks = prompted.attention_masks
        if self.odm is not None:
            stages, occlusion_logits = self.odm(
                query, query_embed, memory, self_mask, prompt_masks
            )
        else:
            normed_query = self.transformer_decoder.post_norm(query)
            mask_embed = self.mask_embed(normed_query)
            stages = [DecoderStage(query, normed_query, mask_embed)]
            occlusion_logits = []
        num_layers = len(stages) - 1
        amodal_stages = list(
            masked_attention_stages(
                self.transformer_decoder,
                stages[-1],
                query_embed,
                memory,
                self.mask_embed,
                first_level=num_layers % self.num_transformer_feat_level,
                self_mask=self_mask,
                prompt_masks=prompt_masks[num_layers:],
            )
        )
        if self.amodal_occlusion_rates:
            occlusion_logits = occlusion_logits + [
                self.odm.occlusion_embedding.occlusion_logits(stage.normed_query)
                for stage in amodal_stages
            ]
        visible_mask_embeds = []
        if self.visible_mask_embed is not None:
            visible_mask_embeds = [
                self.visible_mask_embed(stage.normed_query) for stage in amodal_stages
            ]
        stages = stages + amodal_stages
        return OAFormerOutput(
            [self.cls_embed(stage.normed_query) for stage in stages],
            [stage.mask_embed for stage in stages],
            mask_features,
            occlusion_logits,
            visible_mask_embeds,
        )

    def _decode_pixels(self, x: list[Tensor]) -> tuple[Tensor, DecoderMemory]:
        # float32 island: deformable attention has no bfloat16 kernel in MMCV, and
        # sampling offsets lose sub-pixel precision in half (Mask2Former does so too)
        with torch.autocast(x[0].device.type, enabled=False):
            mask_features, levels = self.pixel_decoder([level.float() for level in x])
        levels = levels[: self.num_transformer_feat_level]
        sizes = [tuple(level.shape[-2:]) for level in levels]
        values, positions = [], []
        for index, level in enumerate(levels):
            # (B, C, H_l, W_l) -> (B, H_l * W_l, C)
            value = self.decoder_input_projs[index](level).flatten(2).transpose(1, 2)
            values.append(value + self.level_embed.weight[index])
            # nothing is padding, so one encoding serves the whole batch
            padding = level.new_zeros((1, *sizes[index]), dtype=torch.bool)
            position = self.decoder_positional_encoding(padding)
            positions.append(position.flatten(2).transpose(1, 2))
        mask_level_features = [
            resize_mask_features(mask_features, size).flatten(2) for size in sizes
        ]
        memory = DecoderMemory(values, positions, mask_level_features, sizes)
        return mask_features, memory

    def loss(
        self, x: list[Tensor], batch_data_samples: SampleList
    ) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            x: Backbone features, fine to coarse.
            batch_data_samples: Samples with ground truth.

        Returns:
            ``loss_cls``, ``loss_mask``, ``loss_dice`` of the last stage and
            ``d{i}.loss_*`` of stage i; ``loss_occlusion`` where rates are predicted;
            ``loss_visible_mask`` and ``loss_visible_dice`` where visible masks are;
            ``prompt.*`` of the prompted queries of a model in training, by the stages
            after the first.
        """
        prompting = self.prompt_encoder is not None and self.training
        targets = amodal_targets(
            batch_data_samples,
            x[0].device,
            with_occlusion_rates=self.loss_occlusion is not None,
            with_visible_masks=self.visible_mask_embed is not None or prompting,
        )
        prompts = None
        if prompting:
            prompts, instance = draw_prompts(targets, **self.prompt_encoder.drawing)
        output = self(x, batch_data_samples, prompts)
        # float32 island: sums over 12544 points leave the range of float16
        with torch.autocast(x[0].device.type, enabled=False):
            output = output.float()
            if prompts is None:
                return self.loss_by_feat(output, targets)
            free, prompted = output.split(self.num_queries)
            losses = self.loss_by_feat(free, targets)
            losses |= self._prompt_losses(prompted, targets, prompts, instance)
            return losses

    def loss_by_feat(
        self, output: OAFormerOutput, targets: AmodalTargets
    ) -> dict[str, Tensor]:
        """Losses of every stage, each with a Hungarian matching of its own.

        Args:
            output: Result of :meth:`forward` in float32.
            targets: Ground truth of the batch.

        Returns:
            See :meth:`loss`.
        """
        matches = match_stages(
            output.cls_scores,
            output.mask_embeds,
            output.mask_features,
            targets,
            self.matching_weights,
            self.num_points,
        )
        counts = [min(self.num_queries, count) for count in targets.counts]
        # MMDetection counts an empty image as one mask
        num_masks = float(sum(max(count, 1) for count in counts))
        num_masks = output.mask_features.new_tensor(num_masks)
        if self.training:
            # gradients are averaged over processes, a validation loss is not
            num_masks = reduce_mean(num_masks)
        return stage_losses(
            self._loss_functions, output, targets, matches, counts, num_masks
        )

    def _prompt_losses(
        self,
        output: OAFormerOutput,
        targets: AmodalTargets,
        prompts: Prompts,
        instance: Tensor,
    ) -> dict[str, Tensor]:
        """Losses of every stage but the first, which has seen no feature yet."""
        match = Matches(*prompts.positions(), instance)
        output = output._replace(
            cls_scores=output.cls_scores[1:],
            mask_embeds=output.mask_embeds[1:],
            occlusion_logits=output.occlusion_logits[1:],
        )
        num_masks = reduce_mean(output.mask_features.new_tensor(float(len(instance))))
        losses = stage_losses(
            self._loss_functions,
            output,
            targets,
            [match] * len(output.cls_scores),
            prompts.counts,
            num_masks.clamp(min=1),
            prompted=True,
        )
        return {f'prompt.{name}': loss for name, loss in losses.items()}

    @property
    def _loss_functions(self) -> LossFunctions:
        visible = self.visible_mask_embed is not None
        return LossFunctions(
            self.loss_cls,
            self.class_weight,
            self.loss_mask,
            self.loss_dice,
            PointSampling(
                self.num_points, self.oversample_ratio, self.importance_sample_ratio
            ),
            self.loss_occlusion,
            self.loss_visible_mask if visible else None,
            self.loss_visible_dice if visible else None,
        )

    def predict(self, x: list[Tensor]) -> dict[str, Tensor]:
        """The final prediction; :class:`AmodalFusionHead` builds its masks.

        Args:
            x: Backbone features, fine to coarse.

        Returns:
            Tensors in float32, see :meth:`OAFormerOutput.final_tensors`.
        """
        return self(x).float().final_tensors()

    def complete(self, x: list[Tensor], prompts: Prompts) -> dict[str, Tensor]:
        """The final prediction for objects of which something is known.

        Args:
            x: Backbone features, fine to coarse.
            prompts: The objects.

        Returns:
            As :meth:`predict`, with one query for each object, (B, P, ...), in their
            order; P is the largest number of an image.
        """
        output = self(x, prompts=prompts, only_prompts=True)
        return output.float().final_tensors()
