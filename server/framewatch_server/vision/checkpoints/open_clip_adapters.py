"""Adapters: an OpenCLIP model and its tokenizer with the methods that towers call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch


class TextFeatures(NamedTuple):
    """Output of a text tower, by transformers' name.

    Attributes:
        pooler_output: embeddings that are not normalised, `[n, dimension]`.

    """

    pooler_output: torch.Tensor


class ImageFeatures(NamedTuple):
    """Output of an image tower, by transformers' names.

    Attributes:
        pooler_output: embeddings that are not normalised, `[n, dimension]`.
        last_hidden_state: the last layer at each place of the picture, `[n, places, feature_dimension]`.

    """

    pooler_output: torch.Tensor
    last_hidden_state: torch.Tensor


class OpenClipModel(torch.nn.Module):
    """A dual encoder of OpenCLIP with the methods of transformers'."""

    def __init__(self, clip: Any) -> None:
        """Wraps a model of open_clip, whatever its towers are."""
        super().__init__()
        self.clip = clip
        # So that features are those of the same weights in transformers' format: there the last layer of SigLIP, which
        # is timm's here, is normalised and that of CLIP is not.
        self._normalises = hasattr(clip.visual, "trunk")

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the weights."""
        return next(self.parameters()).dtype

    def get_image_features(self, pixel_values: torch.Tensor) -> ImageFeatures:
        """Returns features of inputs `[n, 3, height, width]`; the places are patches, or a convolution's cells."""
        output = self.clip.forward_intermediates(
            image=pixel_values, image_indices=1, normalize=False, normalize_intermediates=self._normalises
        )
        return ImageFeatures(output["image_features"], output["image_intermediates"][-1].flatten(2).transpose(1, 2))

    def get_text_features(self, input_ids: torch.Tensor) -> TextFeatures:
        """Returns features of tokens `[n, tokens]`."""
        return TextFeatures(self.clip.encode_text(input_ids))


class OpenClipTextReader:
    """A tokenizer of OpenCLIP; see `TextReader`."""

    def __init__(self, tokenizer: Any) -> None:
        """Sets up a reader with a `SimpleTokenizer` or an `HFTokenizer` of open_clip."""
        self._tokenizer = tokenizer
        self.max_tokens = int(tokenizer.context_length)

    def tokens(self, texts: Sequence[str]) -> dict[str, torch.Tensor]:
        """See `TextReader.tokens`."""
        return {"input_ids": self._tokenizer(list(texts))}

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        """See `TextReader.cut_off`."""
        return frozenset(text for text in texts if self._token_count(text) > self.max_tokens)

    def _token_count(self, text: str) -> int:
        if not hasattr(self._tokenizer, "tokenizer"):  # SimpleTokenizer, whose `encode` adds no beginning and end
            return len(self._tokenizer.encode(text)) + 2
        if self._tokenizer.tokenizer_mode == "clips":  # its own tokens for beginning, end and class
            return len(self._ids(text, add_special_tokens=False)) + 3
        return len(self._ids(text, add_special_tokens=True))

    def _ids(self, text: str, *, add_special_tokens: bool) -> list[int]:
        cleaned = self._tokenizer.clean_fn(text)
        ids: list[int] = self._tokenizer.tokenizer(
            cleaned, add_special_tokens=add_special_tokens, verbose=False
        ).input_ids
        return ids
