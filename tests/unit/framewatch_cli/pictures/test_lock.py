"""The lock that admits a single run."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_cli.index.files import lock_index
from framewatch_cli.pictures.lock import RunBusy, only_run


def test_a_second_run_is_refused(tmp_path: Path) -> None:
    with only_run(tmp_path / "a.lock", "start again later"):
        with pytest.raises(RunBusy, match="start again later"), only_run(tmp_path / "a.lock", "start again later"):
            pass
        with only_run(tmp_path / "b.lock", ""):
            pass


def test_a_second_run_at_an_index_is_refused(tmp_path: Path) -> None:
    with lock_index(tmp_path / "i.npz"):
        busy = pytest.raises(
            RunBusy, match=r"i\.npz is being written by another run .* start again when that has ended"
        )
        with busy, lock_index(tmp_path / "i.npz"):
            pass
        with lock_index(tmp_path / "other.npz"):
            pass


def test_it_is_free_again_however_the_run_ends(tmp_path: Path) -> None:
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error), lock_index(tmp_path / "i.npz"):
            raise error
    with lock_index(tmp_path / "i.npz"):
        assert [path.name for path in tmp_path.iterdir()] == [".i.npz.lock"]


def test_a_run_at_an_index_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    left, other = tmp_path / ".i.npz.0123abcd.framewatch.part", tmp_path / ".j.npz.0123abcd.framewatch.part"
    left.touch()
    other.touch()
    with lock_index(tmp_path / "i.npz"):
        assert (left.exists(), other.exists()) == (False, True)


def test_a_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "a.lock").symlink_to(victim)
    with pytest.raises(OSError, match="it is a link"), only_run(tmp_path / "a.lock", ""):
        pass
    assert victim.read_text() == "mine"
