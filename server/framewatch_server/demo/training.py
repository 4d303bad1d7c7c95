"""The training loop of the demo model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPModel, CLIPTokenizer

from framewatch_server.demo.dataset import Chapter, Renderer
from framewatch_server.demo.loss import (
    LOCATED_THINGS,
    contrastive_loss,
    draw_sentences,
    located_index,
    location_loss,
    relation_table,
)
from framewatch_server.demo.model import MEAN, STD, build_model
from framewatch_server.demo.tokenizer import MAX_TOKENS, build_tokenizer

_MAX_LOGIT_SCALE = float(np.log(100.0))


@dataclass(frozen=True)
class Recipe:
    """How long and how to train.

    Attributes:
        seed: of the weights, scenes and sentences.
        chapters: how many times new scenes are rendered.
        sets_per_chapter: how many sets of paired scenes a chapter has (about three scenes each).
        passes: how often every chapter is gone through.
        sets_per_batch: how many sets go into one step.
        learning_rate: at its highest.
        workers: rendering processes.

    """

    seed: int = 0
    chapters: int = 6
    sets_per_chapter: int = 6000
    passes: int = 3
    sets_per_batch: int = 44
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup_share: float = 0.06
    workers: int = 2

    @property
    def steps(self) -> int:
        """Optimizer steps in all."""
        return self.chapters * self.passes * (self.sets_per_chapter // self.sets_per_batch)


@dataclass(frozen=True)
class Progress:
    """What has been done: steps trained, the share (0..1) of the next chapter rendered, the last step's loss."""

    step: int
    rendered: float
    loss: float


def train(recipe: Recipe, report: Callable[[Progress], None]) -> tuple[CLIPModel, CLIPTokenizer]:
    """Trains the demo model; the same recipe gives the same model on the same kind of machine."""
    torch.manual_seed(recipe.seed)
    tokenizer = build_tokenizer()
    trainer = _Trainer(recipe, build_model(tokenizer), tokenizer)
    renderer = Renderer(recipe.workers, recipe.seed)
    try:
        for number in range(recipe.chapters):
            for chapter in renderer.chapter(number, recipe.sets_per_chapter):
                if isinstance(chapter, Chapter):
                    trainer.study(chapter, report)
                else:
                    report(Progress(trainer.step, chapter, trainer.loss))
    finally:
        renderer.close()
    return trainer.model.eval(), tokenizer


class _Trainer:
    def __init__(self, recipe: Recipe, model: CLIPModel, tokenizer: CLIPTokenizer) -> None:
        self.model = model.train()
        self.step = 0
        self.loss = 0.0
        self._recipe = recipe
        self._tokenizer = tokenizer
        self._locator = nn.Linear(model.config.vision_config.hidden_size, len(LOCATED_THINGS))
        self._rng = np.random.default_rng([recipe.seed, 7])
        self._relations = relation_table()
        self._located = located_index()
        self._parameters = [*model.parameters(), *self._locator.parameters()]
        matrices = [p for p in self._parameters if p.ndim > 1]
        others = [p for p in self._parameters if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self._optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, self._rate)

    def _rate(self, step: int) -> float:
        warmup = max(1, round(self._recipe.warmup_share * self._recipe.steps))
        if step < warmup:
            return (step + 1) / warmup
        share = (step - warmup) / max(1, self._recipe.steps - warmup)
        return 0.5 * (1 + float(np.cos(np.pi * min(share, 1.0)))) + 0.002

    def study(self, chapter: Chapter, report: Callable[[Progress], None]) -> None:
        for _ in range(self._recipe.passes):
            for rows in self._batches(chapter):
                self.loss = self._learn(chapter, rows)
                self.step += 1
                report(Progress(self.step, 0.0, self.loss))

    def _batches(self, chapter: Chapter) -> Iterator[np.ndarray]:
        order = self._rng.permutation(len(chapter.sets) - 1)
        size = self._recipe.sets_per_batch
        for start in range(0, len(order) - size + 1, size):
            chosen = order[start : start + size]
            yield np.concatenate([np.arange(chapter.sets[i], chapter.sets[i + 1]) for i in chosen])

    def _learn(self, chapter: Chapter, rows: np.ndarray) -> float:
        pixels, coverage = self._augment(chapter, rows)
        concepts = torch.from_numpy(chapter.concepts[rows])
        close = torch.from_numpy(chapter.close[rows]).long()
        sentences, owners = draw_sentences(self._rng, per_meaning=2)
        related = self._relations[close, concepts][:, owners]
        seen = self.model.vision_model(pixel_values=pixels)
        images = nn.functional.normalize(self.model.visual_projection(seen.pooler_output), dim=-1)
        logits = self.model.logit_scale.exp() * images @ self._texts(sentences).T
        patches = self._locator(seen.last_hidden_state[:, 1:])
        loss = contrastive_loss(logits, related) + location_loss(patches, coverage, self._located[concepts])
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        self._schedule.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=_MAX_LOGIT_SCALE)
        return float(loss.detach())

    def _texts(self, sentences: list[str]) -> Tensor:
        tokens = self._tokenizer(sentences, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        vectors = self.model.text_projection(self.model.text_model(**tokens).pooler_output)
        return nn.functional.normalize(vectors, dim=-1)

    def _augment(self, chapter: Chapter, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Normalised RGB pixels, shape (N, 3, SIDE, SIDE), mirrored and relit at random, and patch coverage, shape (N, patches)."""
        rgb = np.ascontiguousarray(chapter.images[rows][..., ::-1].transpose(0, 3, 1, 2))
        pixels = torch.from_numpy(rgb).float() / 255
        coverage = torch.from_numpy(chapter.coverage[rows]).float() / 255
        mirrored = torch.from_numpy(self._rng.random(len(rows)) < 0.5)
        pixels[mirrored] = pixels[mirrored].flip(-1)
        coverage[mirrored] = coverage[mirrored].flip(-1)
        gain = torch.from_numpy(self._rng.uniform(0.88, 1.12, (len(rows), 3, 1, 1))).float()
        pixels = (pixels * gain + self._noise(pixels)).clamp(0, 1)
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
        return (pixels - mean) / std, coverage.flatten(1)

    def _noise(self, pixels: Tensor) -> Tensor:
        amount = torch.from_numpy(self._rng.uniform(0, 0.02, (len(pixels), 1, 1, 1))).float()
        return torch.randn(pixels.shape) * amount
