"""Checkpoints with random weights, in the file layout and geometry of real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPConfig, CLIPModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.utils import logging as transformers_logging

# the towers of openai/clip-vit-base-patch32 and openai/clip-vit-large-patch14
GEOMETRIES: dict[str, dict[str, Any]] = {
    "ViT-B/32": {
        "vision": {
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "patch_size": 32,
        },
        "text": {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 8},
        "projection_dim": 512,
    },
    "ViT-L/14": {
        "vision": {
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "patch_size": 14,
        },
        "text": {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12},
        "projection_dim": 768,
    },
}


def byte_tokenizer() -> CLIPTokenizer:
    """Builds a tokenizer with one token per byte, which takes any text and needs no merges."""
    alphabet = sorted(ByteLevel.alphabet())
    tokens = [*alphabet, *(letter + "</w>" for letter in alphabet), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[])


def make_checkpoint(folder: Path, geometry: str) -> Path:
    """Writes a checkpoint with random weights into `folder`; `geometry` is a key of GEOMETRIES. Returns the folder."""
    parts = GEOMETRIES[geometry]
    tokenizer = byte_tokenizer()
    ends = {"bos_token_id": len(tokenizer) - 2, "eos_token_id": len(tokenizer) - 1, "pad_token_id": len(tokenizer) - 1}
    config = CLIPConfig(
        text_config={**parts["text"], "vocab_size": len(tokenizer), **ends},
        vision_config={**parts["vision"], "image_size": 224},
        projection_dim=parts["projection_dim"],
        logit_scale_init_value=4.6052,  # ln 100, where training takes every CLIP
        # wider than CLIP's own initial weights, so that embeddings differ as those of a trained model do
        initializer_factor=2.0,
    )
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    return folder
