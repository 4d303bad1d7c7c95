"""Listings of the hub, or of something that answers in its place."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.checkpoints.hub import listing
from framewatch_server.vision.checkpoints.hub.listing import list_files
from framewatch_server.vision.checkpoints.source import ModelSource

COMMIT = "c" * 40
SHA256 = "a" * 64


def answer(monkeypatch: pytest.MonkeyPatch, commit: Any, sha256: Any) -> None:
    file = SimpleNamespace(rfilename="model.safetensors", size=3, lfs=SimpleNamespace(sha256=sha256))
    info = SimpleNamespace(sha=commit, siblings=[file])
    monkeypatch.setattr(listing.HfApi, "model_info", lambda *_, **__: info)


def test_files_have_their_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, COMMIT, SHA256)
    found = list_files(ModelSource.parse("acme/model"))
    assert found.commit == COMMIT
    assert found.files["model.safetensors"].sha256 == SHA256


@pytest.mark.parametrize(
    ("commit", "sha256"),
    [
        pytest.param(None, SHA256, id="no commit"),
        pytest.param("../../../tmp/x", SHA256, id="a commit that leads out of the cache"),
        pytest.param(COMMIT, "../../../../etc/cron.d/x", id="a hash that leads out of the cache"),
        pytest.param(COMMIT, "/etc/cron.d/x", id="an absolute path"),
        pytest.param(COMMIT, None, id="no hash"),
        pytest.param(COMMIT, SHA256 + "\n", id="more than a hash"),
    ],
)
def test_hashes_name_files_of_the_cache_so_nothing_else_is_taken_for_one(
    commit: Any, sha256: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, commit, sha256)
    with pytest.raises(ModelLoadError, match="HF_ENDPOINT"):
        list_files(ModelSource.parse("acme/model"))
