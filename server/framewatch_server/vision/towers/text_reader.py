"""Readers: from texts to a model's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch


class TextReader(Protocol):
    """A checkpoint's tokenizer, used in the way that its model needs."""

    @property
    def max_tokens(self) -> int:
        """Number of tokens of a text that the model reads, including those for beginning and end."""
        ...

    def tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """Returns the text tower's inputs, int64 `[n, tokens]` each; texts that are too long are cut off."""
        ...

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        """Returns the texts that have more tokens than the model reads."""
        ...


class TransformersTextReader:
    """A tokenizer of transformers; see `TextReader`."""

    def __init__(self, tokenizer: Any, max_tokens: int, *, pads_to_max: bool) -> None:
        """Sets up a reader.

        Args:
            tokenizer: of transformers.
            max_tokens: the number of positions that the model has.
            pads_to_max: True: texts are padded to all positions; False: to the longest text of a batch.

        """
        self._tokenizer = tokenizer
        self._padding = "max_length" if pads_to_max else "longest"
        # for a tokenizer that has no limit of its own, transformers has a very large number
        self.max_tokens = min(max_tokens, int(tokenizer.model_max_length))

    def tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """See `TextReader.tokens`."""
        encoded = self._tokenizer(
            list(texts), padding=self._padding, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        )
        return dict(encoded)

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        """See `TextReader.cut_off`."""
        # every token stands for at least a byte, except those for beginning and end and a space put in front
        suspects = [text for text in texts if len(text.encode()) + 4 > self.max_tokens]
        if not suspects:
            return frozenset()
        encoded = self._tokenizer(suspects, padding=False, truncation=False, verbose=False)["input_ids"]
        return frozenset(text for text, ids in zip(suspects, encoded, strict=True) if len(ids) > self.max_tokens)


def position_count(text_config: Any) -> int:
    """Returns the number of tokens that a text tower takes, by transformers' configuration of it."""
    positions = int(text_config.max_position_embeddings)
    if text_config.model_type == "altclip_text_model":
        # RoBERTa counts positions from behind the padding token's number
        positions -= int(text_config.pad_token_id) + 1
    return positions
