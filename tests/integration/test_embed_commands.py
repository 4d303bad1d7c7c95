"""`framewatch embed`, `search` and `models` against a server process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from framewatch_bench.spawn import ServerProcess
from framewatch_cli.index.files import read_index
from framewatch_client import FramewatchClient
from framewatch_demo.captions import BY_NAME
from framewatch_demo.scenes import render
from tests.integration.commands import run_client
from tests.integration.conftest import jpeg
from tests.unit.framewatch_cli.pictures.sheet_pages import read_page

SEEDS = (10, 11)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures of every concept of the demo model."""
    folder = tmp_path_factory.mktemp("scenes")
    for name in BY_NAME:
        for seed in SEEDS:
            cv2.imwrite(str(folder / f"{name}-{seed}.png"), render(name, seed, size=(200, 150)).image)
    return folder


@pytest.fixture(scope="module", params=["npz", "parquet"])
def index(request: pytest.FixtureRequest, scenes: Path, server: ServerProcess) -> Path:
    if request.param == "parquet":
        pytest.importorskip("pyarrow")
    path = scenes.parent / f"scenes.{request.param}"
    done = run_client("embed", str(scenes), "--out", str(path), "--server", server.address)
    assert done.returncode == 0, done.stderr
    assert f"{len(BY_NAME) * len(SEEDS)} new" in done.stdout
    return path


def hits(index: Path, server: ServerProcess, *arguments: str) -> list[dict[str, Any]]:
    done = run_client("search", *arguments, "--index", str(index), "--json", "--server", server.address)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["hits"]
    return found


def test_the_index_has_the_models_vectors(index: Path, scenes: Path, server: ServerProcess) -> None:
    read = read_index(index)
    entry, vector = read.entries[5], read.vectors[5]
    with FramewatchClient(server.address) as client:
        (model,) = client.list_models()
        answer = client.embed([entry.path])
    assert (read.model, read.weights_digest, read.dimension) == (model.name, model.weights_digest, model.dimension)
    assert answer.weights_digest == model.weights_digest
    np.testing.assert_allclose(vector, answer.images[0], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(read.vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("a photo of a dog", {"room_dog_day", "room_dog_night"}),
        ("a photo of a car park with cars", {"parking_cars"}),
        ("a photo of a cup on a table", {"table_cup"}),
    ],
    ids=["dog", "cars", "cup"],
)
def test_a_text_finds_pictures_that_it_describes(
    index: Path, server: ServerProcess, text: str, concepts: set[str]
) -> None:
    found = [Path(hit["path"]).stem.rpartition("-")[0] for hit in hits(index, server, text, "--top", "2")]
    assert set(found) <= concepts


def test_a_picture_finds_itself_first_and_others_by_similarity(
    index: Path, scenes: Path, server: ServerProcess
) -> None:
    first, *others = hits(index, server, str(scenes / "parking_cars-10.png"), "--top", "44")
    assert Path(first["path"]) == scenes / "parking_cars-10.png"
    assert first["score"] == pytest.approx(1, abs=1e-3)
    scores = [hit["score"] for hit in others]
    assert scores == sorted(scores, reverse=True)
    with FramewatchClient(server.address) as client:
        expected = client.similarities([first["path"]], [hit["path"] for hit in others]).similarities[0]
    np.testing.assert_allclose(scores, expected, atol=1e-3)


def test_a_second_run_embeds_only_new_pictures(tmp_path: Path, server: ServerProcess) -> None:
    photos, path = tmp_path / "photos", tmp_path / "i.npz"
    photos.mkdir()
    for seed in range(20):
        (photos / f"{seed}.jpg").write_bytes(jpeg(seed))

    def embed(code: int) -> dict[str, Any]:
        done = run_client("embed", str(photos), "--out", str(path), "--json", "--server", server.address)
        assert done.returncode == code, done.stderr
        summary: dict[str, Any] = json.loads(done.stdout)
        return summary

    assert embed(0)["embedded_count"] == 20
    before = read_index(path)
    (photos / "new.jpg").write_bytes(jpeg(100))
    (photos / "cut.jpg").write_bytes(jpeg(101)[:200])
    (photos / "3.jpg").unlink()
    summary = embed(1)
    assert [summary[name] for name in ("embedded_count", "new", "unchanged", "vanished", "refused")] == [1, 1, 19, 1, 1]
    after = read_index(path)
    kept = [number for number, entry in enumerate(before.entries) if entry.path.name != "3.jpg"]
    assert np.array_equal(after.vectors[:19], before.vectors[kept])
    assert after.entries[-1].path.name == "new.jpg"


def test_frames_of_a_video_are_found(tmp_path: Path, server: ServerProcess) -> None:
    video, path = tmp_path / "v.avi", tmp_path / "i.npz"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 4, (200, 150))
    for concept in ("room_empty_day", "room_dog_day"):
        for _ in range(4):
            writer.write(render(concept, 10, size=(200, 150)).image)
    writer.release()
    done = run_client("embed", str(video), "--fps", "2", "--out", str(path), "--server", server.address)
    assert done.returncode == 0, done.stderr
    found = hits(path, server, "a photo of a dog", "--sheet", str(tmp_path / "hits.html"))
    assert sorted(hit["time_s"] for hit in found[:2]) == [1.0, 1.5]
    assert len(found) == 4
    _, cells = read_page(tmp_path / "hits.html")
    assert len(cells) == 5
    assert all(cell.picture.std() > 10 for cell in cells[1:])  # type: ignore[union-attr]


def test_a_truncated_text_is_reported(index: Path, server: ServerProcess) -> None:
    done = run_client("search", "a dog and " * 100, "--index", str(index), "--server", server.address)
    assert done.returncode == 0, done.stderr
    assert "TEXT_TRUNCATED" in done.stderr


def test_models_prints_the_loaded_models(server: ServerProcess) -> None:
    done = run_client("models", "--server", server.address)
    assert done.returncode == 0, done.stderr
    assert "demo ★" in done.stdout
    done = run_client("models", "--json", "--server", server.address)
    (model,) = json.loads(done.stdout)["models"]
    assert (model["name"], model["demo"], model["score_function"]) == ("demo", True, "SCORE_FUNCTION_SOFTMAX")
