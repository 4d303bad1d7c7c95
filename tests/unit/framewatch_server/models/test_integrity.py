"""Files of folders that are not from the hub; those of the hub's cache are in the integration tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from framewatch_demo import MODEL_DIR
from framewatch_server.models.integrity import check_files
from framewatch_server.vision.checkpoints.source import Checkpoint, ModelSource


def test_weights_that_end_too_early_are_found_and_other_files_are_left_out(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(MODEL_DIR, tmp_path / "model"))
    (folder / "notes.txt").write_text("mine")
    checkpoint = Checkpoint(ModelSource.parse(str(folder)), folder)
    whole = check_files(checkpoint)
    assert [check.path.name for check in whole] == sorted(path.name for path in MODEL_DIR.iterdir())
    assert not any(check.fault for check in whole)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (fault,) = [check for check in check_files(checkpoint) if check.fault]
    assert (fault.path, fault.checked) == (weights, "header")
