"""Training loop of the demo model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPModel, CLIPTokenizer

from framewatch_demo.training.dataset import Batch, stream_batches
from framewatch_demo.training.loss import (
    LOCATED_THINGS,
    contrastive_loss,
    draw_sentences,
    located_index,
    location_loss,
    relation_table,
)
from framewatch_demo.training.model import MEAN, STD, VISION_WIDTH, build_model
from framewatch_demo.training.muon import Muon
from framewatch_demo.training.tokenizer import MAX_TOKENS, build_tokenizer

_MAX_LOGIT_SCALE = float(np.log(100.0))


@dataclass(frozen=True)
class Recipe:
    """Length and hyperparameters of a training run.

    Attributes:
        seed: seed of the weights, scenes and sentences.
        steps: number of optimizer steps.
        sets_per_batch: number of sets of paired scenes in one step (about three scenes each).
        learning_rate: peak learning rate of AdamW.
        matrix_rate: peak learning rate of Muon, which trains the matrices inside the transformers.
        weight_decay: weight decay of AdamW's matrices.
        warmup_share: share of the steps in which the learning rate rises.
        save_every: number of steps between calls of `keep` with the unfinished model.

    """

    seed: int = 0
    steps: int = 8800
    sets_per_batch: int = 22
    learning_rate: float = 1.5e-3
    matrix_rate: float = 0.01
    weight_decay: float = 0.05
    warmup_share: float = 0.05
    save_every: int = 500


@dataclass(frozen=True)
class Progress:
    """Number of steps so far, and the loss of the last one."""

    step: int
    loss: float


Keeper: TypeAlias = Callable[[CLIPModel, CLIPTokenizer], None]


def _has_native_bfloat16() -> bool:
    """True if the processor has instructions for bfloat16; without them, it is emulated and slower than float32."""
    # torch has no public name for these checks.
    checks = (torch.cpu._is_avx512_bf16_supported, torch.cpu._is_amx_tile_supported)  # noqa: SLF001
    return any(check() for check in checks)


def train(recipe: Recipe, report: Callable[[Progress], None], keep: Keeper) -> None:
    """Trains the demo model; the same recipe gives the same model on the same kind of machine.

    Args:
        recipe: length and hyperparameters.
        report: called after every step.
        keep: called with the model every `save_every` steps, so that a stopped run leaves one, and at the end.

    """
    # The renderer uses the other core, and two threads that wait for each other are slow on a core that is shared.
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    tokenizer = build_tokenizer()
    trainer = _Trainer(recipe, build_model(tokenizer), tokenizer)
    for step, batch in enumerate(stream_batches(recipe.seed, recipe.steps, recipe.sets_per_batch), start=1):
        report(Progress(step, trainer.learn(batch)))
        if step % recipe.save_every == 0 or step == recipe.steps:
            keep(trainer.model, tokenizer)


class _Trainer:
    def __init__(self, recipe: Recipe, model: CLIPModel, tokenizer: CLIPTokenizer) -> None:
        self.model = model.train()
        # On CPUs the backward pass of torch's fused attention is slow in bfloat16.
        self.model.set_attn_implementation("eager")
        self._recipe = recipe
        self._tokenizer = tokenizer
        self._locator = nn.Linear(VISION_WIDTH, len(LOCATED_THINGS))
        self._rng = np.random.default_rng([recipe.seed, 7])
        self._relations = relation_table()
        self._located = located_index()
        self._parameters = [*model.parameters(), *self._locator.parameters()]
        self._dtype = torch.bfloat16 if _has_native_bfloat16() else torch.float32
        self._optimizers = self._choose_optimizers()
        self._schedules = [torch.optim.lr_scheduler.LambdaLR(each, self._rate) for each in self._optimizers]

    def _choose_optimizers(self) -> list[torch.optim.Optimizer]:
        hidden = [p for name, p in self.model.named_parameters() if ".layers." in name and p.ndim > 1]
        taken = {id(p) for p in hidden}
        outer = [p for p in self._parameters if p.ndim > 1 and id(p) not in taken]
        vectors = [p for p in self._parameters if p.ndim <= 1]
        groups = [
            {"params": outer, "weight_decay": self._recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        adam = torch.optim.AdamW(groups, lr=self._recipe.learning_rate, betas=(0.9, 0.98))
        return [adam, Muon(hidden, self._recipe.matrix_rate, dtype=self._dtype)]

    def _rate(self, step: int) -> float:
        warmup = max(1, round(self._recipe.warmup_share * self._recipe.steps))
        if step < warmup:
            return (step + 1) / warmup
        share = (step - warmup) / max(1, self._recipe.steps - warmup)
        return 0.5 * (1 + float(np.cos(np.pi * min(share, 1.0)))) + 0.002

    def learn(self, batch: Batch) -> float:
        """Does one step; returns its loss."""
        pixels, coverage = self._augment(batch)
        concepts = torch.from_numpy(batch.concepts)
        close = torch.from_numpy(batch.close).long()
        sentences = draw_sentences(self._rng)
        related = self._relations[close, concepts]
        images, patches, texts = self._embed(pixels, sentences)
        logits = self.model.logit_scale.exp() * images @ texts.T
        loss = contrastive_loss(logits, related) + location_loss(patches, coverage, self._located[concepts])
        self.model.zero_grad()
        self._locator.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        for optimizer, schedule in zip(self._optimizers, self._schedules, strict=True):
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=_MAX_LOGIT_SCALE)
        return float(loss.detach())

    def _embed(self, pixels: Tensor, sentences: list[str]) -> tuple[Tensor, Tensor, Tensor]:
        """Returns pictures' unit vectors, their patches' logits for `LOCATED_THINGS`, and sentences' unit vectors."""
        tokens = self._tokenizer(sentences, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.autocast("cpu", self._dtype, enabled=self._dtype != torch.float32):
            hidden = self.model.vision_model(pixel_values=pixels)
            images = self.model.visual_projection(hidden.pooler_output)
            patches = self._locator(hidden.last_hidden_state[:, 1:])
            texts = self.model.text_projection(self.model.text_model(**tokens).pooler_output)
        unit = nn.functional.normalize
        return unit(images.float(), dim=-1), patches.float(), unit(texts.float(), dim=-1)

    def _augment(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns normalised pixels, (N, 3, SIDE, SIDE), mirrored and tinted at random, and coverage, (N, patches)."""
        rgb = np.ascontiguousarray(batch.images[..., ::-1].transpose(0, 3, 1, 2))
        pixels = torch.from_numpy(rgb).float() / 255
        coverage = torch.from_numpy(batch.coverage).float() / 255
        mirrored = torch.from_numpy(self._rng.random(len(pixels)) < 0.5)
        pixels[mirrored] = pixels[mirrored].flip(-1)
        coverage[mirrored] = coverage[mirrored].flip(-1)
        tint = torch.from_numpy(self._rng.uniform(0.9, 1.1, (len(pixels), 3, 1, 1))).float()
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
        return ((pixels * tint).clamp(0, 1) - mean) / std, coverage.flatten(1)
