"""Downloads into a cache that others may write to."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_server.vision.checkpoints.hub import blobs
from framewatch_server.vision.checkpoints.hub.blobs import fetch_blob
from framewatch_server.vision.checkpoints.hub.progress import NoProgress
from framewatch_server.vision.checkpoints.source import ModelSource

SHA256 = "a" * 64


def test_a_link_in_the_place_of_a_partial_file_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr(blobs.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(blobs, "http_get", lambda _, output, **__: output.write(b"x"))
    folder = tmp_path / "models--acme--model" / "blobs"
    folder.mkdir(parents=True)
    (folder / f"{SHA256}.incomplete").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        fetch_blob(ModelSource.parse("acme/model"), "c" * 40, "model.safetensors", 100, SHA256, NoProgress())
    assert victim.read_bytes() == b"precious"
