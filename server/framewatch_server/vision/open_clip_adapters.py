"""An OpenCLIP model and its tokenizer with the methods that encoders call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch


class Features(NamedTuple):
    """What a tower gives, by the names that transformers has for it.

    Attributes:
        pooler_output: the embeddings, not normalised, `[n, dimension]`.
        last_hidden_state: the last layer of an image tower, `[n, places, feature_dimension]`; of texts None.

    """

    pooler_output: torch.Tensor
    last_hidden_state: torch.Tensor | None = None


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

    def get_image_features(self, pixel_values: torch.Tensor) -> Features:
        """Features of inputs `[n, 3, height, width]`; the places are patches, or what a convolution leaves of them."""
        seen = self.clip.forward_intermediates(
            image=pixel_values, image_indices=1, normalize=False, normalize_intermediates=self._normalises
        )
        return Features(seen["image_features"], seen["image_intermediates"][-1].flatten(2).transpose(1, 2))

    def get_text_features(self, input_ids: torch.Tensor) -> Features:
        """Features of tokens `[n, tokens]`."""
        return Features(self.clip.encode_text(input_ids))


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
        inner = getattr(self._tokenizer, "tokenizer", None)
        if inner is None:  # a SimpleTokenizer, which has no tokens for beginning and end here
            return len(self._tokenizer.encode(text)) + 2
        is_clips = self._tokenizer.tokenizer_mode == "clips"
        ids = inner(self._tokenizer.clean_fn(text), add_special_tokens=not is_clips, verbose=False)["input_ids"]
        return len(ids) + 3 * is_clips  # beginning, end and class
