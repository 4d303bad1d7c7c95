"""Towers in int8 in a folder that several servers share, and that may be full, read-only or damaged."""

from __future__ import annotations

import fcntl
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog

openvino = pytest.importorskip("openvino")

from openvino import opset13 as ops  # noqa: E402

from framewatch_server.vision.towers.openvino import kept as module  # noqa: E402
from framewatch_server.vision.towers.openvino.kept import KeptTower  # noqa: E402

KEY = "0123abcd"


def model(value: float) -> Any:
    """A model that multiplies by a matrix of that value."""
    pixels = ops.parameter([-1, 4], np.float32)
    return openvino.Model(
        [ops.matmul(pixels, ops.constant(np.full((4, 4), value, np.float32)), False, False)], [pixels]
    )


def value_of(found: Any) -> float:
    compiled = openvino.Core().compile_model(found, "CPU")
    return float(compiled(np.ones((1, 4), np.float32))[0][0, 0]) / 4


def folders(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_kept_at_first(tmp_path: Path) -> None:
    kept = KeptTower(tmp_path / "new", KEY)
    assert kept.model() is None
    assert kept.refusal() == ""


def test_what_is_kept_is_found_by_another_server(tmp_path: Path) -> None:
    KeptTower(tmp_path / "cache", KEY).keep(model(3))
    assert value_of(KeptTower(tmp_path / "cache", KEY).model()) == pytest.approx(3)
    assert KeptTower(tmp_path / "cache", "other").model() is None
    assert folders(tmp_path / "cache") == [KEY]
    assert (tmp_path / "cache" / KEY).stat().st_mode & 0o777 == 0o755


def test_a_refusal_is_found_by_another_server(tmp_path: Path) -> None:
    KeptTower(tmp_path, KEY).keep_refusal("cosine 0.5")
    assert KeptTower(tmp_path, KEY).refusal() == "cosine 0.5"


def test_the_second_of_two_servers_without_a_lock_replaces_a_whole_model_by_a_whole_one(tmp_path: Path) -> None:
    for value in (3, 5):
        KeptTower(tmp_path, KEY).keep(model(value))
        assert value_of(KeptTower(tmp_path, KEY).model()) == pytest.approx(value)
    assert folders(tmp_path) == [KEY]


@pytest.mark.parametrize("name", ["model.xml", "model.bin"])
def test_a_damaged_model_is_not_used_and_can_be_replaced(name: str, tmp_path: Path) -> None:
    kept = KeptTower(tmp_path, KEY)
    kept.keep(model(3))
    file = tmp_path / KEY / name
    file.write_bytes(file.read_bytes()[:10])
    with structlog.testing.capture_logs() as logs:
        assert kept.model() is None
    assert len(logs) == 1
    kept.keep(model(4))
    assert value_of(kept.model()) == pytest.approx(4)


def no_space(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def bad_stream(*_: object, **__: object) -> None:
    raise RuntimeError("basic_ios::clear: iostream error")


@pytest.mark.parametrize(
    ("owner", "name", "failure"),
    [
        pytest.param(tempfile, "mkdtemp", no_space, id="no folder can be made"),
        pytest.param(openvino, "save_model", bad_stream, id="no room for the weights"),
        pytest.param(Path, "rename", no_space, id="it can't be put into its place"),
        pytest.param(Path, "mkdir", no_space, id="no cache can be made"),
    ],
)
def test_a_disk_that_is_full_or_read_only_is_told_once_and_nothing_is_left(
    owner: Any, name: str, failure: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, failure)
    kept = KeptTower(tmp_path, KEY)
    with structlog.testing.capture_logs() as logs:
        kept.keep(model(3))
    assert [entry["log_level"] for entry in logs] == ["warning"]
    assert "--cache-dir" in logs[0]["event"]
    assert folders(tmp_path) == []
    assert kept.model() is None


def test_a_refusal_that_can_not_be_written_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "write_whole", no_space)
    with structlog.testing.capture_logs() as logs:
        KeptTower(tmp_path, KEY).keep_refusal("cosine 0.5")
    assert len(logs) == 1


def test_a_folder_that_can_not_be_made_has_no_lock_and_the_work_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    kept = KeptTower(tmp_path / "file" / "cache", KEY)
    with kept.locked():
        kept.keep(model(3))
    assert kept.model() is None
    assert kept.refusal() == ""


def test_a_folder_that_can_not_even_be_looked_into_holds_nothing(tmp_path: Path) -> None:
    """A name that is too long stands for the folder of another user, which tests as root could read."""
    kept = KeptTower(tmp_path / ("x" * 300), KEY)
    assert kept.refusal() == ""
    assert kept.model() is None
    with kept.locked():
        kept.keep(model(3))
        kept.keep_refusal("cosine 0.5")


def test_one_server_at_a_time_makes_a_tower(tmp_path: Path) -> None:
    first_may_end, second_waits, order = threading.Event(), threading.Event(), list[str]()

    def wait(_: float) -> None:
        second_waits.set()
        first_may_end.wait(30)

    def second() -> None:
        with KeptTower(tmp_path, KEY, wait).locked():
            order.append("second")

    with KeptTower(tmp_path, KEY).locked():
        other = threading.Thread(target=second, daemon=True)
        other.start()
        assert second_waits.wait(30)
        order.append("first")
    first_may_end.set()
    other.join(30)
    assert order == ["first", "second"]


def test_a_lock_that_is_never_given_back_is_waited_for_only_so_long(tmp_path: Path) -> None:
    pauses: list[float] = []
    lock = os.open(tmp_path / f".{KEY}.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with KeptTower(tmp_path, KEY, pauses.append).locked():
        assert sum(pauses) == pytest.approx(600)
    os.close(lock)


def test_links_in_a_shared_folder_are_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    cache = tmp_path / "cache"
    cache.mkdir()
    for name in (f".{KEY}.lock", f"{KEY}.refused", f".{KEY}.partial.xml"):
        (cache / name).symlink_to(victim)
    kept = KeptTower(cache, KEY)
    with kept.locked():
        kept.keep_refusal("cosine 0.5")
        kept.keep(model(3))
    assert victim.read_text() == "precious"
    assert value_of(kept.model()) == pytest.approx(3)


def test_what_a_killed_server_has_left_is_removed_by_the_next_one_with_the_lock(tmp_path: Path) -> None:
    left = tmp_path / f".{KEY}.making-x7f"
    other = tmp_path / ".ffff.making-x7f"
    for folder in (left, other):
        folder.mkdir()
        (folder / "model.bin").write_bytes(b"x")
    with KeptTower(tmp_path, KEY).locked():
        assert not left.exists()
        assert other.exists(), "another tower's, which may be under way"
