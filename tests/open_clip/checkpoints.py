"""Small checkpoints with random weights in OpenCLIP's file layout, one for each kind of tower."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

CLIP_TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 3}

CONFIGS: dict[str, dict[str, Any]] = {
    "ViT": {
        "model_cfg": {
            "embed_dim": 96,
            "quick_gelu": True,
            "vision_cfg": {"image_size": 64, "layers": 3, "width": 128, "head_width": 32, "patch_size": 16},
            "text_cfg": CLIP_TEXT,
        },
        "preprocess_cfg": {"interpolation": "bilinear", "size": 64},
    },
    "SigLIP": {
        "model_cfg": {
            "embed_dim": 64,
            "init_logit_bias": -10,
            "custom_text": True,
            "vision_cfg": {
                "image_size": 160,
                "timm_model_name": "test_vit",
                "timm_pool": "map",
                "timm_proj": "none",
            },
            "text_cfg": {
                "context_length": 64,
                "vocab_size": 300,
                "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
                "tokenizer_kwargs": {"clean": "canonicalize"},
                "width": 64,
                "heads": 4,
                "layers": 2,
                "no_causal_mask": True,
                "proj_bias": True,
                "pool_type": "last",
            },
        },
        "preprocess_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"},
    },
    "MobileCLIP": {
        "model_cfg": {
            "embed_dim": 128,
            "custom_text": True,
            "vision_cfg": {
                "image_size": 96,
                "timm_model_name": "fastvit_t8",
                "timm_pool": "avg",
                "timm_proj": None,
                "timm_drop_path": 0.0,
            },
            "text_cfg": {**CLIP_TEXT, "no_causal_mask": True},
        },
        "preprocess_cfg": {"mean": [0, 0, 0], "std": [1, 1, 1], "interpolation": "bilinear"},
    },
    "ResNet": {
        "model_cfg": {
            "embed_dim": 96,
            "quick_gelu": True,
            "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "head_width": 16},
            "text_cfg": CLIP_TEXT,
        },
        "preprocess_cfg": {},
    },
    "CoCa": {
        "model_cfg": {
            "embed_dim": 64,
            "custom_text": True,
            "vision_cfg": {
                "image_size": 64,
                "layers": 2,
                "width": 96,
                "head_width": 32,
                "patch_size": 16,
                "attentional_pool": True,
                "attn_pooler_queries": 16,
                "attn_pooler_heads": 4,
                "output_tokens": True,
            },
            "text_cfg": {**CLIP_TEXT, "context_length": 76, "embed_cls": True, "output_tokens": True},
            "multimodal_cfg": {"context_length": 76, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 1},
        },
        "preprocess_cfg": {},
    },
}


def make_checkpoint(folder: Path, config: Mapping[str, Any]) -> Path:
    """Writes a checkpoint with random weights and, where its config names one, a tokenizer."""
    folder.mkdir(exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    if "hf_tokenizer_name" in config["model_cfg"]["text_cfg"]:
        byte_tokenizer().save_pretrained(folder)
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    spread(model, config["model_cfg"]["vision_cfg"]["image_size"])
    save_file(
        {name: weight.contiguous() for name, weight in model.state_dict().items()},
        folder / "open_clip_model.safetensors",
    )
    return folder


@torch.no_grad()
def spread(model: Any, image_size: int) -> None:
    """Widens initial weights so that embeddings of pictures and texts differ, as in a trained model."""
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and ".bn" not in name:
            weight.mul_(2)
        elif name.endswith("bn3.weight"):
            weight.fill_(1)  # of residual branches, which are 0 initially
    model.logit_scale.fill_(4.6052)  # ln 100, the value of every trained CLIP
    model.train()
    model.visual(torch.randn(16, 3, image_size, image_size))  # sets the statistics of batch norms
    model.eval()


def byte_tokenizer() -> PreTrainedTokenizerFast:
    """Returns a tokenizer with one token per byte, and SigLIP's `</s>` at the end and for padding."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate(["<unk>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", pad_token="</s>", unk_token="<unk>")
