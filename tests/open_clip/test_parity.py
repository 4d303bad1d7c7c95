"""Scores and vectors match OpenCLIP's own, for each kind of tower, and differ between inputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.pixels.preprocess import prepare
from tests.integration.conftest import MakeServer, encode, picture
from tests.open_clip.checkpoints import CONFIGS
from tests.open_clip.conftest import LABELS, Reference

# some sizes, such as 333 × 517, are half a pixel off the centre once they are resized
PICTURES = [picture(seed, *size) for seed, size in enumerate([(640, 480), (333, 517), (900, 126), (200, 211), (5, 3)])]
LONG = "a very long story of a dog and a cat " * 20

# the module of OpenCLIP's image tower whose output has the features, and their mean
FEATURES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "ViT": ("transformer", lambda tokens: tokens[:, 1:].mean(1)),
    "SigLIP": ("trunk.norm", lambda tokens: tokens[:, 1:].mean(1)),
    "MobileCLIP": ("trunk.stages.3", lambda places: places.mean((2, 3))),
    "ResNet": ("layer4", lambda places: places.mean((2, 3))),
    "CoCa": ("transformer", lambda tokens: tokens[:, 1:].mean(1)),
}


@pytest.fixture(scope="module", params=CONFIGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(checkpoints: Callable[[str], Path], name: str) -> Path:
    return checkpoints(name)


@pytest.fixture(scope="module")
def reference(folder: Path) -> Reference:
    return Reference(folder)


async def test_probabilities_match_the_reference(
    make_server: MakeServer, folder: Path, reference: Reference, engine: str
) -> None:
    stub = await make_server(model=str(folder), dtype="float32", jpeg_decode="full", max_batch_size=2, engine=engine)
    label_set = pb.LabelSet(
        labels=[pb.Label(name=name) for name in LABELS], templates=pb.PromptTemplates(templates=["{label}"])
    )
    scored = []
    for pixels in PICTURES:
        request = pb.ClassifyRequest(image=pb.Image(encoded=encode(pixels, ".png")), label_set=label_set)
        ours = {score.label: score.probability for score in (await stub.Classify(request)).scores}
        assert ours == pytest.approx(reference.probabilities(pixels, LABELS), abs=0.01)
        scored.append([ours[label] for label in LABELS])
    assert np.ptp(scored, axis=0).max() > 0.02, "the model separates these pictures"
    assert np.ptp(scored, axis=1).max() > 0.02, "the model separates these texts"


@pytest.mark.parametrize(
    ("engine", "dtype", "least"),
    [
        ("torch", "float32", 0.9999),
        ("torch", "bfloat16", 0.999),
        ("torch", "float16", 0.9999),
        ("openvino", "float32", 0.9999),
        ("openvino", "bfloat16", 0.999),
    ],
    indirect=["engine"],
)
def test_vectors_match_the_reference(
    folder: Path, reference: Reference, name: str, engine: str, dtype: str, least: float
) -> None:
    encoder = load_encoder(str(folder), device="cpu", dtype=dtype, engine=engine)
    spec = encoder.preprocess
    ours = encoder.images.encode(np.stack([prepare(pixels[..., ::-1], spec, exact=True) for pixels in PICTURES]))
    theirs = np.concatenate([reference.images(PICTURES), reference.features(PICTURES, *FEATURES[name])], axis=1)
    assert (encoder.info.family, encoder.info.vector_size) == ("open_clip", theirs.shape[1])
    for part in (slice(encoder.info.dimension), slice(encoder.info.dimension, None)):
        assert (ours[:, part] * theirs[:, part]).sum(axis=1).min() >= least
        assert (ours[:, part] @ theirs[:, part].T).min() < 0.99, "the model separates these pictures"
    texts = [*LABELS, "Señor O'Neill &amp; his “café”!", LONG]
    read, theirs = encoder.texts.encode(texts), reference.texts(texts)
    assert (read * theirs).sum(axis=1).min() >= least
    assert (read @ theirs.T).min() < 0.9, "the model separates these texts"


def test_inputs_match_the_reference(folder: Path, reference: Reference) -> None:
    encoder = load_encoder(str(folder), device="cpu", dtype="float32", engine="torch")
    spec = encoder.preprocess
    for pixels in PICTURES:
        mean, std = (np.array(values)[:, None, None] for values in (spec.mean, spec.std))
        ours = (prepare(pixels[..., ::-1], spec, exact=True) * spec.rescale - mean) / std
        levels = np.abs(ours - reference.inputs([pixels])[0].numpy()) * 255 * std
        assert levels.max() <= 2.5, "two of 255 levels at most, from two roundings"
        assert levels.mean() <= 0.05


def test_a_text_that_is_cut_off_is_reported(folder: Path, name: str) -> None:
    encoder = load_encoder(str(folder), device="cpu", dtype="float32", engine="torch")
    # CLIP adds tokens for beginning and end; the byte tokenizer adds the end, and has a token for the space of a word
    most_words = 31 if name == "SigLIP" else encoder.info.max_text_tokens - 2
    fits, too_long = (" ".join(["a"] * count) for count in (most_words, most_words + 1))
    assert encoder.texts.cut_off(["a dog", fits, too_long, LONG]) == {too_long, LONG}
