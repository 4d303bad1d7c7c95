"""Label vectors of a scorer: computed once, shared, with the path of an example that is at fault."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import FieldError, UndecodableImage
from framewatch_core.images.image import EncodedImage
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_server.engine import scorer as scorer_module
from framewatch_server.engine.scorer import Scorer
from framewatch_server.engine.settings import CacheSettings, EngineSettings
from framewatch_server.engine.vector_cache import Prompts
from framewatch_server.vision.pixels.decode import DecodeLimits
from framewatch_server.vision.pixels.view import EXPOSURES
from framewatch_server.vision.towers.encoder import ModelInfo
from tests.unit.framewatch_server.engine.rig import FakeEncoder

INPUTS_PER_EXAMPLE = len(EXPOSURES) + 1


class BrightnessEncoder(FakeEncoder):
    """All embeddings are equal; the two features are a picture's brightness and the rest to 1."""

    info = ModelInfo("fake", "clip", (1, 1), 1, 2, "cpu", "float32")

    def __init__(self) -> None:
        super().__init__()
        self.inputs = 0

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Float32Array:
        self.inputs += len(pixels)
        level = pixels.mean(axis=(1, 2, 3)) / 255
        return np.stack([np.ones_like(level), level, 1 - level], axis=1).astype(np.float32)


def grey(level: int) -> EncodedImage:
    return EncodedImage(cv2.imencode(".png", np.full((4, 4, 3), level, np.uint8))[1].tobytes())


BROKEN = EncodedImage(grey(5).data[:40])
BRIGHT = Label("bright", (), (), (grey(200), grey(220)), (grey(10), grey(20)))


@pytest.fixture
async def scorer() -> AsyncIterator[Scorer]:
    settings = EngineSettings(
        decode_limits=DecodeLimits(),
        decode_threads=2,
        reduced_decode=True,
        max_batch_size=4,
        caches=CacheSettings(text_bytes=10_000, example_bytes=10_000, image_bytes=10_000),
    )
    async with Scorer(BrightnessEncoder(), settings) as running:
        yield running


def encoder(scorer: Scorer) -> BrightnessEncoder:
    assert isinstance(scorer._encoder, BrightnessEncoder)
    return scorer._encoder


async def presence(scorer: Scorer, level: int, *labels: Label) -> list[float | None]:
    vectors, _ = await scorer.label_vectors(LabelSet(labels))
    scores, _ = await scorer.score(grey(level), vectors)
    return [score.presence for score in scores]


async def test_examples_are_distinguished_from_counter_examples(scorer: Scorer) -> None:
    (bright,) = await presence(scorer, 210, BRIGHT)
    (dark,) = await presence(scorer, 15, BRIGHT)
    assert bright is not None
    assert dark is not None
    assert bright > 0.9
    assert dark < 0.1


async def test_a_discriminant_is_fitted_once_for_all_callers(scorer: Scorer) -> None:
    twin = Label("twin", ("another name",), ("and a contrast",), BRIGHT.examples, BRIGHT.counter_examples)
    sets = [LabelSet((BRIGHT,)), LabelSet((Label("x"), twin)), LabelSet((BRIGHT, twin))]
    await asyncio.gather(*(scorer.label_vectors(each) for each in sets * 3))
    assert encoder(scorer).inputs == 4 * INPUTS_PER_EXAMPLE


async def test_other_examples_are_fitted_anew(scorer: Scorer) -> None:
    other = Label("bright", (), (), BRIGHT.examples, BRIGHT.counter_examples[:1])
    for label in (BRIGHT, other):
        await scorer.label_vectors(LabelSet((label,)))
    assert encoder(scorer).inputs == (4 + 3) * INPUTS_PER_EXAMPLE


async def test_each_callers_error_has_its_own_path(scorer: Scorer) -> None:
    bad = Label("bad", (), (), (grey(200), BROKEN), (grey(10),))
    sets = [LabelSet((bad,)), LabelSet((Label("x"), Label("y"), bad))]
    found = await asyncio.gather(*(scorer.label_vectors(each) for each in sets), return_exceptions=True)
    assert [type(error) for error in found] == [UndecodableImage] * 2
    assert [error.field for error in found if isinstance(error, FieldError)] == [
        "labels[0].examples[1].encoded",
        "labels[2].examples[1].encoded",
    ]


async def test_a_cancelled_caller_takes_nothing_from_the_others(scorer: Scorer) -> None:
    first = asyncio.ensure_future(scorer.label_vectors(LabelSet((BRIGHT,))))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(scorer.label_vectors(LabelSet((BRIGHT,))))
    await asyncio.sleep(0)
    first.cancel()
    vectors, _ = await second
    assert vectors.directions is not None
    assert first.cancelled()


async def test_a_contrast_that_labels_share_is_embedded_once(scorer: Scorer) -> None:
    labels = [Label(name, contrast_prompts=("nothing", "no thing")) for name in "abc"]
    await scorer.label_vectors(LabelSet(tuple(labels)))
    assert sorted(encoder(scorer).texts.asked) == sorted(
        ["nothing", "no thing", *(f"a photo of {name}" for name in "abc")]
    )


async def test_large_label_sets_are_put_together_on_another_thread(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[bool] = []
    make = scorer_module.text_matrix

    def record(prompts: Prompts, vectors: Float32Array) -> Float32Array:
        threads.append(threading.current_thread() is threading.main_thread())
        return make(prompts, vectors)

    monkeypatch.setattr(scorer_module, "text_matrix", record)
    for count in (3, 500):
        await scorer.label_vectors(LabelSet(tuple(Label(f"thing {i}") for i in range(count))))
    assert threads == [True, False]
