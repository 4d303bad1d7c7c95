"""An OpenCLIP model and its tokenizer with the methods that encoders call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch


class TextFeatures(NamedTuple):
    """What a text tower gives, by transformers' name.

    Attributes:
        pooler_output: embeddings that are not normalised, `[n, dimension]`.

    """

    pooler_output: torch.Tensor


class ImageFeatures(NamedTuple):
    """What an image tower gives, by transformers' names.

    Attributes:
        pooler_output: embeddings that are not normalised, `[n, dimension]`.
        last_hidden_state: the last layer at each place of the picture, `[n, places, feature_dimension]`.

    """

    pooler_output: torch.Tensor
    last_hidden_state: torch.Tensor


class OpenClipModel(torch.nn.Module):
    """A dual encoder of OpenCLIP with the methods of transformers'."""

    def __init__(self, clip: Any) -> None:
        """Wraps a model of open_clip, of whatever towers."""
        super().__init__()
        self.clip = clip
        # The same features as by the same weights in transformers' format: there SigLIP's last layer, which is timm's
        # here, is normalised and CLIP's is not.
        self._normalises = hasattr(clip.visual, "trunk")

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights."""
        return next(self.parameters()).dtype

    def get_image_features(self, pixel_values: torch.Tensor) -> ImageFeatures:
        """Features of inputs `[n, 3, height, width]`; the places are patches, or what a convolution leaves of them."""
        seen = self.clip.forward_intermediates(
            image=pixel_values, image_indices=1, normalize=False, normalize_intermediates=self._normalises
        )
        return ImageFeatures(seen["image_features"], seen["image_intermediates"][-1].flatten(2).transpose(1, 2))

    def get_text_features(self, input_ids: torch.Tensor) -> TextFeatures:
        """Features of tokens `[n, tokens]`."""
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
