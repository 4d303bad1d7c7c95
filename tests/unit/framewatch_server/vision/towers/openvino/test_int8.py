"""The choice between the tower that is kept, a new one, and bfloat16; with a small model in place of a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("nncf")

from framewatch_server.vision.towers.openvino import int8 as module
from framewatch_server.vision.towers.openvino.int8 import int8_tower
from framewatch_server.vision.towers.openvino.kept import KeptTower
from framewatch_server.vision.towers.quantisation_images import QuantisationImages
from tests.unit.framewatch_server.vision.towers.openvino.test_kept import KEY, model

IMAGES = QuantisationImages("test pictures", "key", lambda: None, lambda: None)  # type: ignore[arg-type, return-value]


class Tower:
    """A tower that does not compute."""

    def __init__(self, _: object, __: object, dtype: str) -> None:
        self.dtype = dtype


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[float | Exception]:
    """The cosines, or errors, that checks are going to have; those that are left were not asked for."""
    cosines: list[float | Exception] = []

    def cosine(*_: object) -> float:
        found = cosines.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(module, "convert", lambda *_: model(1))
    monkeypatch.setattr(module, "fingerprint", lambda *_: KEY)
    monkeypatch.setattr(module, "OpenVinoImageTower", Tower)
    monkeypatch.setattr(module, "mean_cosine", cosine)
    return cosines


@pytest.fixture
def quantised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A line for each time that a tower was made."""
    lines: list[str] = []

    def quantise(*_: object) -> Any:
        lines.append("made")
        return model(2)

    monkeypatch.setattr(module, "_quantise", quantise)
    return lines


def load(cache: Path) -> tuple[str, str]:
    tower, refusal = int8_tower(None, (2, 2), 1, IMAGES, cache)  # type: ignore[arg-type]
    return tower.dtype, refusal


def test_a_tower_is_made_once(made: list[float | Exception], quantised: list[str], tmp_path: Path) -> None:
    made += [0.9995, 0.9995]
    assert [load(tmp_path) for _ in range(2)] == [("int8", "")] * 2
    assert quantised == ["made"]


@pytest.mark.parametrize("cosine", [0.5, float("nan")])
def test_a_refusal_is_decided_once(
    cosine: float, made: list[float | Exception], quantised: list[str], tmp_path: Path
) -> None:
    made.append(cosine)
    first, second = (load(tmp_path) for _ in range(2))
    assert first == second
    assert first[0] == "bfloat16"
    assert "test pictures" in first[1]
    assert quantised == ["made"]


def test_a_kept_tower_that_computes_something_else_is_made_anew_and_not_refused(
    made: list[float | Exception], quantised: list[str], tmp_path: Path
) -> None:
    made += [0.9995, 0.1, 0.1, 0.9995]
    assert [load(tmp_path) for _ in range(2)] == [("int8", "")] * 2
    assert quantised == ["made"] * 2


@pytest.mark.parametrize("error", [RuntimeError("shapes do not fit"), ValueError("shapes do not fit")])
def test_a_kept_tower_that_does_not_run_is_made_anew(
    error: Exception, made: list[float | Exception], quantised: list[str], tmp_path: Path
) -> None:
    made += [0.9995, error, error, 0.9995]
    assert [load(tmp_path) for _ in range(2)] == [("int8", "")] * 2
    assert quantised == ["made"] * 2


def test_a_server_that_waited_for_another_one_takes_its_tower(
    made: list[float | Exception], quantised: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = KeptTower.locked

    def meanwhile(kept: KeptTower) -> Any:
        KeptTower(tmp_path, KEY).keep(model(2))
        return locked(kept)

    monkeypatch.setattr(KeptTower, "locked", meanwhile)
    made.append(0.9995)
    assert load(tmp_path) == ("int8", "")
    assert quantised == []


@pytest.mark.parametrize("cosine", [0.9995, 0.5])
def test_a_cache_that_can_not_be_written_costs_the_cache_alone(
    cosine: float, made: list[float | Exception], quantised: list[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    made += [cosine, cosine]
    dtypes = [load(tmp_path / "file" / "cache")[0] for _ in range(2)]
    assert dtypes == ["int8" if cosine > 0.9 else "bfloat16"] * 2
    assert quantised == ["made"] * 2
