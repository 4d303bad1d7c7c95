"""Scores match the reference: transformers' own zero-shot pipeline, over real gRPC.

The demo model is trained; the others have the geometry of real architectures and random weights. Each test also checks
that scores differ between inputs: a model with the same scores for all of them would agree with any reference.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, pipeline

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_bench.checkpoints import GEOMETRIES, make_checkpoint
from framewatch_core.images.image import EncodedImage
from framewatch_demo import MODEL_DIR
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.pixels.decode import DecodeLimits, decode
from framewatch_server.vision.pixels.preprocess import prepare
from tests.integration.conftest import MakeServer, encode, picture
from tests.paths import SHARED_DATA
from tests.unit.framewatch_server.vision.pixels.test_decode import FILES

LABELS = ["a person", "a bottle on a table", "an empty room", "a dog", "a red car"]
TEMPLATES = ["a photo of {label}", "{label}", "a blurry picture of {label}, taken at night."]


def drawn() -> dict[str, bytes]:
    """Returns images that need no files: smooth, noisy, upright, wide, tiny."""
    noise = np.random.default_rng(5).integers(0, 256, (300, 200, 3), dtype=np.uint8)
    return {
        "smooth.jpg": encode(picture(1, 640, 480), ".jpg"),
        "upright.png": encode(picture(2, 333, 517), ".png"),
        "noise.png": encode(noise, ".png"),
        "wide.webp": encode(picture(3, 900, 120), ".webp"),
        "tiny.png": encode(picture(4, 5, 3), ".png"),
        "one-pixel.png": encode(picture(4, 1, 1), ".png"),
    }


def from_shared_data() -> dict[str, bytes]:
    """Returns the shared images, and four frames of each video as JPEG; skips the test where they are missing."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the shared example data is not there (../shared/data)")
    names = ["puppy.webp", "cat.png", "lamborghini-forsennato-concept.jpg"]
    files = {name: (SHARED_DATA / name).read_bytes() for name in names}
    for video in ("person.mp4", "bottles.mp4"):
        capture = cv2.VideoCapture(str(SHARED_DATA / video))
        for number in (0, 100, 300, 600):
            capture.set(cv2.CAP_PROP_POS_FRAMES, number)
            files[f"{video}@{number}"] = encode(capture.read()[1], ".jpg")
        capture.release()
    return files


def odd_kinds() -> dict[str, bytes]:
    """Returns a file of every supported kind, and one of 48 megapixels."""
    return {**FILES, "8000×6000": encode(picture(6, 8000, 6000), ".jpg")}


PICTURES: dict[str, Callable[[], dict[str, bytes]]] = {
    "drawn": drawn,
    "odd kinds": odd_kinds,
    "shared": from_shared_data,
}


class Reference:
    """transformers' pipeline for a checkpoint, in fp32."""

    def __init__(self, folder: Path) -> None:
        processor = AutoImageProcessor.from_pretrained(folder, backend="pil")  # type: ignore[no-untyped-call]
        self._pipeline = pipeline(
            "zero-shot-image-classification",
            model=str(folder),
            image_processor=processor,
            dtype=torch.float32,
            device="cpu",
        )

    def probabilities(self, data: bytes, template: str, labels: Sequence[str] = LABELS) -> dict[str, float]:
        hypothesis = template.replace("{label}", "{}")
        picture = Image.open(io.BytesIO(data))
        found: Any = self._pipeline(picture, candidate_labels=list(labels), hypothesis_template=hypothesis)
        return {item["label"]: item["score"] for item in found}


async def classify(stub: Any, data: bytes, template: str, names: Sequence[str] = LABELS) -> pb.ClassifyResponse:
    labels = pb.LabelSet(
        labels=[pb.Label(name=name) for name in names], templates=pb.PromptTemplates(templates=[template])
    )
    response = await stub.Classify(pb.ClassifyRequest(image=pb.Image(encoded=data), label_set=labels))
    assert isinstance(response, pb.ClassifyResponse)
    return response


async def probabilities(stub: Any, data: bytes, template: str, names: Sequence[str] = LABELS) -> dict[str, float]:
    return {score.label: score.probability for score in (await classify(stub, data, template, names)).scores}


async def check_parity(stub: Any, reference: Reference, files: dict[str, bytes], templates: Sequence[str]) -> None:
    """Compares the probabilities of LABELS in every file, with every template, with the reference's."""
    scored = []
    for name, data in files.items():
        for template in templates:
            ours, theirs = await probabilities(stub, data, template), reference.probabilities(data, template)
            assert ours == pytest.approx(theirs, abs=0.01), f"{name}, {template!r}"
            scored.append([ours[label] for label in LABELS])
    assert np.ptp(np.array(scored), axis=0).max() > 0.02, "the model separates these pictures or texts"


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("pictures", PICTURES)
async def test_the_demo_model_matches_the_reference(make_server: MakeServer, engine: str, pictures: str) -> None:
    stub = await make_server(dtype="float32", jpeg_decode="full", engine=engine)
    templates = TEMPLATES[:1] if pictures == "odd kinds" else TEMPLATES
    await check_parity(stub, Reference(MODEL_DIR), PICTURES[pictures](), templates)


LARGE_GEOMETRY = "ViT-L/14"
"""The geometry whose tests can take more than the default timeout on a busy machine."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            name, id=name.replace("/", "-"), marks=[pytest.mark.timeout(600)] if name == LARGE_GEOMETRY else []
        )
        for name in GEOMETRIES
    ],
)
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("checkpoint"), request.param)


async def test_real_geometries_match_the_reference(make_server: MakeServer, checkpoint: Path, engine: str) -> None:
    stub = await make_server(
        model=str(checkpoint), dtype="float32", jpeg_decode="full", max_batch_size=2, engine=engine
    )
    files = {name: data for name, data in drawn().items() if name in {"smooth.jpg", "upright.png", "noise.png"}}
    await check_parity(stub, Reference(checkpoint), files, TEMPLATES[:1])


def reference_vectors(folder: Path, files: Sequence[bytes]) -> np.ndarray[Any, Any]:
    """Returns fp32 vectors of the processor's own inputs: embeddings, then means of the last layer's patch tokens."""
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")  # type: ignore[no-untyped-call]
    inputs = processor(images=[Image.open(io.BytesIO(data)).convert("RGB") for data in files], return_tensors="pt")
    with torch.inference_mode():
        embeddings = model.get_image_features(inputs["pixel_values"]).pooler_output
        patches = model.vision_model(inputs["pixel_values"]).last_hidden_state[:, 1:].mean(dim=1)
    parts = [torch.nn.functional.normalize(part, dim=-1).numpy() for part in (embeddings, patches)]
    return np.concatenate(parts, axis=1)


def check_bfloat16_embeddings(folder: Path, name: str, files: Sequence[bytes], engine: str) -> None:
    """Compares embeddings of bf16, reduced decoding and quick resizing together with the reference's."""
    encoder = load_encoder(name, device="cpu", dtype="bfloat16", engine=engine)
    spec = encoder.preprocess
    inputs = [prepare(decode(EncodedImage(f), DecodeLimits(), spec.min_decoded_size), spec) for f in files]
    ours, theirs = encoder.images.encode(np.stack(inputs)), reference_vectors(folder, files)
    dimension = encoder.info.dimension
    for part in (slice(dimension), slice(dimension, None)):
        assert (ours[:, part] * theirs[:, part]).sum(axis=1).min() >= 0.999
    others = ours[:, :dimension] @ theirs[:, :dimension].T
    assert others.min() < 0.99, "the model separates these pictures"


LARGE = [encode(picture(seed, 1280, 720), ".jpg") for seed in range(4)]


def test_bfloat16_embeddings_of_real_geometries_match_the_reference(checkpoint: Path, engine: str) -> None:
    check_bfloat16_embeddings(checkpoint, str(checkpoint), LARGE, engine)


@pytest.mark.parametrize("pictures", ["drawn", "shared"])
def test_bfloat16_embeddings_of_the_demo_model_match_the_reference(pictures: str, engine: str) -> None:
    check_bfloat16_embeddings(MODEL_DIR, "demo", [*PICTURES[pictures]().values(), *LARGE], engine)
