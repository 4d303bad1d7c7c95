"""Peers that score pictures in this process, each with its own preprocessing: transformers and open_clip."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeAlias

import cv2
import numpy as np
import torch
from PIL import Image as PillowImage
from transformers import pipeline

from framewatch_bench.frames import JpegFrames
from framewatch_bench.load.simulation import LABELS

OPEN_CLIP_NAMES = {"ViT-B/32": "ViT-B-32", "ViT-L/14": "ViT-L-14"}
"""Names in open_clip of the geometries of `framewatch_bench.checkpoints`."""

Pictures: TypeAlias = list[PillowImage.Image]


def transformers_pipeline(checkpoint: str, device: str) -> Callable[[Pictures], object]:
    """Returns a function that scores pictures, as one batch, by transformers' zero-shot pipeline in float32."""
    classify = pipeline("zero-shot-image-classification", model=checkpoint, dtype=torch.float32, device=device)
    return lambda pictures: classify(pictures, candidate_labels=list(LABELS), batch_size=len(pictures))


def has_open_clip() -> bool:
    """Returns whether open_clip is installed beside framewatch."""
    return find_spec("open_clip") is not None


def open_clip_scorer(geometry: str, device: str) -> Callable[[Pictures], object]:
    """Returns a function that scores pictures, as one batch, by open_clip in float32 with random weights.

    The labels are embedded once. `geometry` is a key of OPEN_CLIP_NAMES.
    """
    open_clip: Any = import_module("open_clip")
    name = OPEN_CLIP_NAMES[geometry]
    model, _, preprocess = open_clip.create_model_and_transforms(name, device=device)
    model.eval()
    with torch.inference_mode():
        texts = model.encode_text(open_clip.get_tokenizer(name)(list(LABELS)).to(device), normalize=True)

    @torch.inference_mode()
    def score(pictures: Pictures) -> object:
        inputs = torch.stack([preprocess(picture) for picture in pictures]).to(device)
        cosines = model.encode_image(inputs, normalize=True) @ texts.T
        return (model.logit_scale.exp() * cosines).softmax(dim=-1).cpu().numpy()

    return score


def frames_per_second(score: Callable[[Pictures], object], frames: JpegFrames, batch: int, seconds: float) -> float:
    """Measures the frames that are decoded and scored per second, in batches, after one batch to warm up."""
    score(_decoded(frames, batch))
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        score(_decoded(frames, batch))
        done += batch
    return done / (time.perf_counter() - started)


def _decoded(frames: JpegFrames, count: int) -> Pictures:
    return [PillowImage.fromarray(_pixels(frames.new())) for _ in range(count)]


def _pixels(encoded: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
