"""Architecture of the demo model, and its folder in transformers format."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from transformers import AutoTokenizer, CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from framewatch_demo.training.initialise import initialise_vision
from framewatch_demo.training.tokenizer import MAX_TOKENS

SIDE = 80
"""Width and height of the model's input, pixels."""
PATCH = 10
GRID = SIDE // PATCH
MEAN = (0.481, 0.458, 0.408)
STD = (0.269, 0.261, 0.276)
_BATCH = 64
_TEXT_WIDTH = 96
VISION_WIDTH = 128
_PROJECTION = 96


def build_model(tokenizer: CLIPTokenizer) -> CLIPModel:
    """Returns a CLIP of about 1.2 million parameters with random weights."""
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": _TEXT_WIDTH,
        "projection_dim": _PROJECTION,
        "intermediate_size": 288,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": MAX_TOKENS,
        "hidden_act": "gelu",
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "hidden_size": VISION_WIDTH,
        "projection_dim": _PROJECTION,
        "intermediate_size": 512,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "image_size": SIDE,
        "patch_size": PATCH,
        "hidden_act": "gelu",
    }
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=_PROJECTION, dtype="float32")
    model = CLIPModel(config)
    initialise_vision(model, GRID)
    return model


def build_image_processor() -> CLIPImageProcessorPil:
    """Returns a processor that squeezes the whole picture into the input square.

    A centre crop would lose the sides of a camera's picture.
    """
    side = {"height": SIDE, "width": SIDE}
    return CLIPImageProcessorPil(
        size=side,
        crop_size=side,
        do_center_crop=False,
        resample=3,
        image_mean=list(MEAN),
        image_std=list(STD),
    )


def save_folder(folder: Path, model: CLIPModel, tokenizer: CLIPTokenizer) -> None:
    """Writes weights, configuration, tokenizer and image processor."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    build_image_processor().save_pretrained(folder)


class DemoModel:
    """A model loaded from a folder, that embeds pictures and texts for measurements."""

    def __init__(self, folder: Path) -> None:
        self._model = CLIPModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
        self._model.train(False)
        self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._processor = CLIPImageProcessorPil.from_pretrained(folder, local_files_only=True)

    @torch.inference_mode()
    def embed_images(self, images: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Returns unit vectors, shape (N, 96), of BGR pictures, each of shape (H, W, 3)."""
        parts = [self._embed_batch(images[start : start + _BATCH]) for start in range(0, len(images), _BATCH)]
        return np.concatenate(parts)

    def _embed_batch(self, images: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
        pictures = [PillowImage.fromarray(image[:, :, ::-1]) for image in images]
        pixels = self._processor(images=pictures, return_tensors="pt")["pixel_values"]
        vectors = self._model.visual_projection(self._model.vision_model(pixel_values=pixels).pooler_output)
        return np.asarray(torch.nn.functional.normalize(vectors, dim=-1).numpy(), dtype=np.float32)

    @torch.inference_mode()
    def embed_texts(self, texts: list[str]) -> NDArray[np.float32]:
        """Returns unit vectors, shape (N, 96), of texts."""
        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        vectors = self._model.text_projection(self._model.text_model(**tokens).pooler_output)
        return np.asarray(torch.nn.functional.normalize(vectors, dim=-1).numpy(), dtype=np.float32)

    @property
    def logit_scale(self) -> float:
        """Factor of the cosines before the softmax."""
        return float(self._model.logit_scale.detach().exp())
