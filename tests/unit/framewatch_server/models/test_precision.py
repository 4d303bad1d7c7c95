"""Cost of dtypes, measured on the demo model; int8 is in the tests of `load_encoder`, since it takes a while."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from framewatch_core.arrays import Float32Array
from framewatch_core.errors import ModelLoadError
from framewatch_demo import MODEL_DIR
from framewatch_server.models import precision
from framewatch_server.models.precision import PrecisionCheck, check_precision
from framewatch_server.vision.checkpoints.load import load_encoder
from framewatch_server.vision.towers.encoder import Encoder, TextTower


def check(*dtypes: str) -> list[PrecisionCheck]:
    return list(check_precision("demo", MODEL_DIR, dtypes, device="cpu", engine="torch", report=lambda _: None))


def test_bfloat16_is_near_float32_and_half_as_large() -> None:
    reference, bfloat16 = check("bfloat16")
    for each in (reference, bfloat16):
        assert each.images is not None
        assert each.texts is not None
        assert each.fault == ""
        assert 0.999 < each.images.least <= each.images.mean < 1.0001
        assert 0.999 < each.texts.least <= each.texts.mean < 1.0001
    assert reference.images != bfloat16.images
    assert bfloat16.size * 2 == reference.size


def test_a_dtype_that_does_not_run_here_is_reported_and_the_rest_goes_on() -> None:
    reference, int8 = check("int8")
    assert reference.fault == ""
    assert "torch does not run int8" in int8.fault
    assert int8.images is None


def refused() -> Encoder:
    encoder = load_encoder("demo", device="cpu", dtype="bfloat16", engine="torch")
    return dataclasses.replace(encoder, refusal="cosine 0.5, needed 0.999")


class Overflowing:
    """A text tower whose embeddings are no numbers."""

    def __init__(self, tower: TextTower) -> None:
        self._tower = tower

    def encode(self, texts: Sequence[str]) -> Float32Array:
        return self._tower.encode(texts) * np.float32("nan")

    def cut_off(self, texts: Sequence[str]) -> frozenset[str]:
        return self._tower.cut_off(texts)


def overflowing() -> Encoder:
    encoder = load_encoder("demo", device="cpu", dtype="float32", engine="torch")
    info = dataclasses.replace(encoder.info, dtype="int8")
    return dataclasses.replace(encoder, info=info, texts=Overflowing(encoder.texts))


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        pytest.param(refused, "refused: cosine 0.5, needed 0.999", id="refused"),
        pytest.param(overflowing, "below 0.999", id="not a number"),
    ],
)
def test_faults(make: object, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make()  # type: ignore[operator]

    def load(name: str, *, dtype: str, **settings: str) -> Encoder:
        return made if dtype == "int8" else load_encoder(name, dtype=dtype, **settings)

    monkeypatch.setattr(precision, "load_encoder", load)
    assert check("int8")[1].fault == fault


def test_a_model_that_can_not_be_loaded_at_all_is_an_error() -> None:
    with pytest.raises(ModelLoadError):
        list(check_precision("demo", MODEL_DIR, (), device="nonsense", engine="torch", report=lambda _: None))
