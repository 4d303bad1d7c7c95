"""From texts to a model's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch

from framewatch_server.vision.checkpoints.families import Family


class TextReader(Protocol):
    """A checkpoint's tokenizer, used as its model wants it."""

    @property
    def max_tokens(self) -> int:
        """How many tokens of a text the model reads, those for beginning and end counted."""
        ...

    def tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """The text tower's inputs, int64 `[n, tokens]` each; what is too long is cut off."""
        ...

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        """Those of the texts that have more tokens than the model reads."""
        ...


class TransformersTextReader:
    """A tokenizer of transformers; see `TextReader`."""

    def __init__(self, tokenizer: Any, family: Family, max_tokens: int) -> None:
        """Sets up a reader.

        Args:
            tokenizer: of transformers.
            family: of the model.
            max_tokens: how many positions the model has.

        """
        self._tokenizer = tokenizer
        self._padding = "max_length" if family.pads_texts else "longest"
        # transformers says a very large number for a tokenizer that has no limit of its own
        self.max_tokens = min(max_tokens, int(tokenizer.model_max_length))

    def tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """See `TextReader.tokens`."""
        encoded = self._tokenizer(
            list(texts), padding=self._padding, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        )
        return dict(encoded)

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        """See `TextReader.cut_off`."""
        # every token stands for at least a byte, but for those at beginning and end and a space put in front
        suspects = [text for text in texts if len(text.encode()) + 4 > self.max_tokens]
        if not suspects:
            return frozenset()
        encoded = self._tokenizer(suspects, padding=False, truncation=False, verbose=False)["input_ids"]
        return frozenset(text for text, ids in zip(suspects, encoded, strict=True) if len(ids) > self.max_tokens)


def position_count(text_config: Any) -> int:
    """How many tokens the text tower takes."""
    positions = int(text_config.max_position_embeddings)
    if text_config.model_type == "altclip_text_model":
        # RoBERTa counts positions from behind the padding token's number
        positions -= int(text_config.pad_token_id) + 1
    return positions
