"""Checkpoints with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_bench import checkpoints

SMALL = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def test_a_checkpoint_is_written_without_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    geometry = {"vision": {**SMALL, "patch_size": 32}, "text": SMALL, "projection_dim": 16}
    monkeypatch.setitem(checkpoints.GEOMETRIES, "small", geometry)
    folder = checkpoints.make_checkpoint(tmp_path, "small")
    assert (folder / "model.safetensors").is_file()
    assert capfd.readouterr() == ("", "")
