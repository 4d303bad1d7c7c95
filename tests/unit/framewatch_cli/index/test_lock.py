"""One run at a time at an index."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_cli.index.lock import IndexBusy, lock_index


def test_a_second_run_is_told(tmp_path: Path) -> None:
    with lock_index(tmp_path / "i.npz"):
        busy = pytest.raises(
            IndexBusy, match=r"i\.npz is being written by another run .* start again when that has ended"
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
