"""Small checkpoints with random weights, one for each family: transformers' own classes and file layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from tokenizers import Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE, Unigram
from tokenizers.trainers import BpeTrainer, UnigramTrainer
from transformers import (
    AltCLIPConfig,
    AltCLIPModel,
    BertTokenizer,
    ChineseCLIPConfig,
    ChineseCLIPModel,
    CLIPConfig,
    CLIPModel,
    GemmaTokenizer,
    MetaClip2Config,
    MetaClip2Model,
    Siglip2Config,
    Siglip2Model,
    SiglipConfig,
    SiglipModel,
    SiglipTokenizer,
    XLMRobertaTokenizer,
)
from transformers.models.chinese_clip.image_processing_pil_chinese_clip import ChineseCLIPImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil
from transformers.models.siglip2.image_processing_pil_siglip2 import Siglip2ImageProcessorPil

from framewatch_bench.checkpoints import byte_tokenizer

SENTENCES = [
    "a photo of a person", "an empty room with a red car", "the quick brown fox jumps over the lazy dog",
    "a bottle on a table", "ein Foto von einem Hund", "una foto de un gato", "une photo d'un chat, de nuit.",
    "一张照片：狗和猫", "空的房间里有一个人", "صورة كلب في غرفة فارغة", "תמונה של חתול", "фото собаки и кошки",
    "犬の写真です", "ABC XYZ 0123456789 !?.,;:'\"-()",
]  # fmt: skip

_SIDE = 48
_PATCH = 16
_VISION = {
    "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "image_size": _SIDE, "patch_size": _PATCH,
}  # fmt: skip
_TEXT = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
_CLIP_SIZES: dict[str, Any] = {
    "size": {"shortest_edge": _SIDE},
    "crop_size": {"height": _SIDE, "width": _SIDE},
}
_SQUARE: dict[str, Any] = {"size": {"height": _SIDE, "width": _SIDE}}


def _clip(folder: Path) -> None:
    tokenizer = byte_tokenizer()
    last = len(tokenizer) - 1
    config = CLIPConfig(
        text_config={**_TEXT, "vocab_size": last + 1, "bos_token_id": last - 1, "eos_token_id": last, "pad_token_id": last},
        vision_config=_VISION,
        projection_dim=32,
    )  # fmt: skip
    _save(folder, CLIPModel(config), tokenizer, CLIPImageProcessorPil(**_CLIP_SIZES))


def _metaclip_2(folder: Path) -> None:
    tokenizer = _xlm_roberta(model_max_length=77)
    ids = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}
    config = MetaClip2Config(
        text_config={**_TEXT, "vocab_size": len(tokenizer), **ids}, vision_config=_VISION, projection_dim=32
    )
    _save(folder, MetaClip2Model(config), tokenizer, CLIPImageProcessorPil(**_CLIP_SIZES))


def _altclip(folder: Path) -> None:
    tokenizer = _xlm_roberta(model_max_length=512)
    config = AltCLIPConfig(
        text_config={
            **_TEXT, "vocab_size": len(tokenizer), "max_position_embeddings": 130, "project_dim": 40,
            "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2,
        },
        vision_config=_VISION,
        projection_dim=32,
    )  # fmt: skip
    _save(folder, AltCLIPModel(config), tokenizer, CLIPImageProcessorPil(**_CLIP_SIZES))


def _chinese_clip(folder: Path) -> None:
    letters = sorted({letter for sentence in SENTENCES for letter in sentence.lower() if letter != " "})
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    tokenizer = BertTokenizer(vocab={token: i for i, token in enumerate(tokens)}, model_max_length=128)
    config = ChineseCLIPConfig(
        text_config={**_TEXT, "vocab_size": len(tokens), "max_position_embeddings": 128, "pad_token_id": 0},
        vision_config=_VISION,
        projection_dim=32,
    )
    _save(folder, ChineseCLIPModel(config), tokenizer, ChineseCLIPImageProcessorPil(**_SQUARE, do_center_crop=False))


def _siglip(folder: Path) -> None:
    """Writes a SigLIP 1, whose SentencePiece tokenizer drops punctuation, as in the published repositories."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "spiece.model").open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(SENTENCES), model_writer=file, vocab_size=220, hard_vocab_limit=False, pad_id=-1,
            bos_id=-1, eos_id=1, unk_id=2, control_symbols="<pad>", minloglevel=2,
        )  # fmt: skip
    tokenizer = SiglipTokenizer(str(folder / "spiece.model"), model_input_names=["input_ids"])
    _save_siglip(folder, tokenizer, resample=3)


def _siglip_2(folder: Path) -> None:
    """Writes a SigLIP 2 of fixed image size: SigLIP 1's model with Gemma's tokenizer."""
    trained = Tokenizer(BPE(byte_fallback=True, unk_token="<unk>"))
    trained.normalizer = normalizers.Replace(" ", "▁")
    bytes_ = [f"<0x{value:02X}>" for value in range(256)]
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *bytes_]
    trained.train_from_iterator(SENTENCES, BpeTrainer(vocab_size=600, special_tokens=specials))
    folder.mkdir(parents=True, exist_ok=True)
    trained.model.save(str(folder))
    merges = [tuple(line.split(" ")) for line in (folder / "merges.txt").read_text().splitlines()[1:]]
    vocab = json.loads((folder / "vocab.json").read_text())
    for name in ("merges.txt", "vocab.json"):
        (folder / name).unlink()
    tokenizer = GemmaTokenizer(
        vocab=vocab, merges=merges, add_bos_token=False, add_eos_token=True, padding_side="right",
        model_max_length=64, model_input_names=["input_ids"],
    )  # fmt: skip
    _save_siglip(folder, tokenizer, resample=2)


def _save_siglip(folder: Path, tokenizer: Any, resample: int) -> None:
    text = {**_TEXT, "hidden_size": 64, "vocab_size": len(tokenizer), "max_position_embeddings": 64}
    config = SiglipConfig(text_config={**text, "projection_size": 64}, vision_config=_VISION)
    _save(folder, SiglipModel(config), tokenizer, SiglipImageProcessorPil(**_SQUARE, resample=resample))


def make_naflex(folder: Path) -> Path:
    """Writes a NaFlex SigLIP 2, which can't be served; returns the folder."""
    vision = {key: value for key, value in _VISION.items() if key != "image_size"}
    text = {**_TEXT, "hidden_size": 64, "vocab_size": 32, "projection_size": 64}
    config = Siglip2Config(text_config=text, vision_config={**vision, "num_patches": 9})
    _save(folder, Siglip2Model(config), byte_tokenizer(), Siglip2ImageProcessorPil())
    return folder


def _xlm_roberta(model_max_length: int) -> XLMRobertaTokenizer:
    trained = Tokenizer(Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = UnigramTrainer(vocab_size=260, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>")
    trained.train_from_iterator(SENTENCES, trainer)
    pieces = [(piece, score) for piece, score in json.loads(trained.to_str())["model"]["vocab"]]
    return XLMRobertaTokenizer(vocab=pieces, model_max_length=model_max_length)


def _save(folder: Path, model: Any, tokenizer: Any, processor: Any) -> None:
    """Writes a repository's files; the weights are so wide that embeddings differ as those of a trained model do."""
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim >= 2:
                fan_in = weight[0].numel() if "embedding" not in name else 1
                weight.copy_(torch.randn(weight.shape, generator=random) * (1.5 / fan_in**0.5))
        model.logit_scale.fill_(3.0)
        if hasattr(model, "logit_bias"):
            model.logit_bias.fill_(-0.7)
    for part in (model, tokenizer, processor):
        part.save_pretrained(folder)


FAMILIES: dict[str, Callable[[Path], None]] = {
    "CLIP": _clip,
    "MetaCLIP 2": _metaclip_2,
    "SigLIP": _siglip,
    "SigLIP 2": _siglip_2,
    "AltCLIP": _altclip,
    "Chinese-CLIP": _chinese_clip,
}


def make_family(folder: Path, family: str) -> Path:
    """Writes a checkpoint of a family, the same one each time; returns the folder."""
    # class embeddings keep the numbers that the model's own initialisation draws from torch's generator; with some of
    # them, this small CLIP loses more in bfloat16 (cosine 0.9986) than trained models do
    with torch.random.fork_rng():
        torch.manual_seed(1)
        FAMILIES[family](folder)
    return folder
