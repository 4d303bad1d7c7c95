"""Scores of every family match the reference: transformers' own pipeline, over real gRPC, with random weights."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import ModelLoadError
from framewatch_core.images.image import EncodedImage
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.pixels.decode import DecodeLimits, decode
from framewatch_server.vision.pixels.preprocess import prepare
from tests.checkpoints import FAMILIES, make_family, make_naflex
from tests.integration.conftest import MakeServer, encode, picture
from tests.integration.test_parity import Reference, classify, drawn, probabilities

TEMPLATE = "a photo of {label}"
LABEL_SETS = {
    "several": ["a person", "a bottle on a table", "an empty room", "a dog", "a red car"],
    "one label": ["a person"],
    "one word": ["dog", "cat"],
    "emoji": ["🐕 a dog", "🐈‍⬛ a cat", "🔥"],
    "Chinese": ["一张狗的照片", "空的房间", "猫"],
    "right to left": ["صورة كلب", "תמונה של חתול", "a photo of كلب"],
    "upper case and signs": ["A PHOTO OF A DOG!", "a photo, of a dog", "x-y_z (1/2)"],
}
LONG = "a dog on a table in a room with a person " * 20  # 200 words
PICTURES = ["smooth.jpg", "upright.png", "noise.png"]
SCORE_FUNCTIONS = {
    "SigLIP": pb.SCORE_FUNCTION_SIGMOID,
    "SigLIP 2": pb.SCORE_FUNCTION_SIGMOID,
}


@pytest.fixture(scope="module", params=FAMILIES, ids=lambda name: name.replace(" ", "-"))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def checkpoint(family: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_family(tmp_path_factory.mktemp("checkpoint") / "model", family)


async def test_probabilities_match_the_reference(
    make_server: MakeServer, checkpoint: Path, family: str, engine: str
) -> None:
    stub = await make_server(model=str(checkpoint), dtype="float32", jpeg_decode="full", engine=engine)
    (model,) = (await stub.ListModels(pb.ListModelsRequest())).models
    assert model.score_function == SCORE_FUNCTIONS.get(family, pb.SCORE_FUNCTION_SOFTMAX)
    reference = Reference(checkpoint)
    scored: dict[str, list[list[float]]] = {}
    for name in PICTURES:
        data = drawn()[name]
        for kind, labels in LABEL_SETS.items():
            ours = await classify(stub, data, TEMPLATE, labels)
            is_always_1 = len(labels) == 1 and model.score_function == pb.SCORE_FUNCTION_SOFTMAX
            assert [warning.reason for warning in ours.warnings] == ["SINGLE_LABEL"] * is_always_1
            found = {score.label: score.probability for score in ours.scores}
            assert found == pytest.approx(reference.probabilities(data, TEMPLATE, labels), abs=0.01), f"{name}, {kind}"
            scored.setdefault(kind, []).append([found[label] for label in labels])
    assert np.ptp(np.array(scored["several"]), axis=0).max() > 0.02, "the model separates these pictures"
    assert np.ptp(np.array(scored["several"]), axis=1).max() > 0.02, "the model separates these texts"


async def test_a_text_that_is_too_long_is_truncated_as_in_the_reference_and_gets_a_warning(
    make_server: MakeServer, checkpoint: Path
) -> None:
    stub = await make_server(model=str(checkpoint), dtype="float32", jpeg_decode="full")
    (model,) = (await stub.ListModels(pb.ListModelsRequest())).models
    data = drawn()["noise.png"]
    labels = [pb.Label(name="long", prompts=[LONG]), pb.Label(name="short", prompts=["a dog"])]
    answer = await stub.Classify(pb.ClassifyRequest(image=pb.Image(encoded=data), label_set=pb.LabelSet(labels=labels)))
    (warning,) = answer.warnings
    assert (warning.reason, warning.field) == ("TEXT_TRUNCATED", "label_set.labels[0].prompts[0]")
    assert f"{model.max_text_tokens} tokens" in warning.message
    vectors = reference_texts(checkpoint, [LONG, "a dog"], max_length=model.max_text_tokens)
    embedded = await stub.Embed(pb.EmbedRequest(images=[pb.Image(encoded=data)]))
    similarities = {score.label: score.similarity for score in answer.scores}
    image = np.frombuffer(embedded.image_vectors, "<f4")
    assert similarities == pytest.approx(dict(zip(["long", "short"], vectors @ image, strict=True)), abs=1e-4)


async def test_embeddings_match_the_reference(make_server: MakeServer, checkpoint: Path) -> None:
    stub = await make_server(model=str(checkpoint), dtype="float32", jpeg_decode="full")
    data = [drawn()[name] for name in PICTURES]
    texts = [text for labels in LABEL_SETS.values() for text in labels]
    answer = await stub.Embed(pb.EmbedRequest(images=[pb.Image(encoded=each) for each in data], texts=texts))
    pictures = np.frombuffer(answer.image_vectors, "<f4").reshape(len(data), answer.dimension)
    words = np.frombuffer(answer.text_vectors, "<f4").reshape(len(texts), answer.dimension)
    reference = reference_texts(checkpoint, texts)
    assert np.sum(words * reference, axis=1).min() > 0.99999
    assert (words @ reference.T).min() < 0.95, "the model separates these texts"
    found = await stub.Similarity(
        pb.SimilarityRequest(
            queries=[pb.Image(encoded=each) for each in data], candidates=[pb.Image(encoded=each) for each in data]
        )
    )
    assert list(found.similarities) == pytest.approx((pictures @ pictures.T).ravel(), abs=1e-5)


LARGE = [encode(picture(seed, 1280, 720), ".jpg") for seed in range(4)]


@pytest.mark.parametrize(
    ("engine", "dtype"),
    [("torch", "bfloat16"), ("torch", "float16"), ("openvino", "bfloat16")],
    indirect=["engine"],
)
def test_half_precision_embeddings_match_the_reference(checkpoint: Path, engine: str, dtype: str) -> None:
    """Uses half precision, reduced decoding and quick resizing together."""
    encoder = load_encoder(str(checkpoint), device="cpu", dtype=dtype, engine=engine)
    spec = encoder.preprocess
    inputs = [prepare(decode(EncodedImage(f), DecodeLimits(), spec.min_decoded_size), spec) for f in LARGE]
    dimension = encoder.info.dimension
    ours = encoder.images.encode(np.stack(inputs))[:, :dimension]
    theirs = reference_images(checkpoint)
    assert np.sum(ours * theirs, axis=1).min() >= 0.999
    assert (ours @ theirs.T).min() < 0.99, "the model separates these pictures"
    texts = [text for labels in LABEL_SETS.values() for text in labels]
    assert np.sum(encoder.texts.encode(texts) * reference_texts(checkpoint, texts), axis=1).min() >= 0.999


def reference_images(folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Returns the reference's vectors of LARGE."""
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil")  # type: ignore[no-untyped-call]
    inputs = processor(images=[Image.open(io.BytesIO(data)) for data in LARGE], return_tensors="pt")
    with torch.inference_mode():
        vectors = model.get_image_features(inputs["pixel_values"]).pooler_output
    return np.asarray(torch.nn.functional.normalize(vectors, dim=-1).numpy())


def reference_texts(
    folder: Path, texts: list[str], max_length: int | None = None
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Returns the pipeline's vectors, of one text at a time: padding to another text's length could change a vector.

    The pipeline truncates texts only for SigLIP; for the other families it needs a `max_length`.
    """
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    options: dict[str, Any] = {"truncation": True, "max_length": max_length} if max_length else {}
    if model.config.model_type == "siglip":
        options = {"padding": "max_length", "max_length": 64, "truncation": True}
    vectors = []
    for text in texts:
        with torch.inference_mode():
            features = model.get_text_features(**tokenizer([text], return_tensors="pt", **options)).pooler_output
        vectors.append(torch.nn.functional.normalize(features, dim=-1).numpy()[0])
    return np.stack(vectors)


def test_naflex_is_refused_with_an_alternative(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"NaFlex.*google/siglip2-base-patch16-224"):
        load_encoder(str(make_naflex(tmp_path / "naflex")))


async def test_several_families_are_served_together(make_server: MakeServer, tmp_path: Path) -> None:
    kinds = ["CLIP", "SigLIP", "Chinese-CLIP"]
    folders = [make_family(tmp_path / kind, kind) for kind in kinds]
    stub = await make_server(models=("demo", *map(str, folders)), dtype="float32", jpeg_decode="full")
    models = (await stub.ListModels(pb.ListModelsRequest())).models
    assert [model.name for model in models] == ["demo", *kinds]
    data = drawn()["upright.png"]
    labels = LABEL_SETS["several"]
    for name, folder in zip(kinds, folders, strict=True):
        request = pb.ClassifyRequest(
            model=name,
            image=pb.Image(encoded=data),
            label_set=pb.LabelSet(labels=[pb.Label(name=label) for label in labels]),
        )
        answer = await stub.Classify(request)
        assert answer.model == name
        ours = {score.label: score.probability for score in answer.scores}
        assert ours == pytest.approx(Reference(folder).probabilities(data, TEMPLATE, labels), abs=0.01)
    assert (await probabilities(stub, data, TEMPLATE)).keys() == set(labels)
