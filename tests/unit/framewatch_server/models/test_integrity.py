"""Files of folders that are not from the hub; those of the hub's cache are in the integration tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from framewatch_demo import MODEL_DIR
from framewatch_server.models.integrity import FileCheck, check_files, remove
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


def test_only_files_of_the_cache_are_removed(tmp_path: Path) -> None:
    """A link of a snapshot that leads out of the cache, directly or over a blob, costs the link alone."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    repository = tmp_path / "models--acme--model"
    blob, snapshot = repository / "blobs" / ("a" * 64), repository / "snapshots" / ("c" * 40)
    for folder in (blob.parent, snapshot):
        folder.mkdir(parents=True)
    blob.write_text("damaged")
    over_blob = repository / "blobs" / ("b" * 64)
    over_blob.symlink_to(victim)
    links = {"fine": Path("../../blobs") / blob.name, "out": victim, "over": Path("../../blobs") / over_blob.name}
    for name, target in links.items():
        (snapshot / name).symlink_to(target)
        remove(FileCheck(snapshot / name, 0, "sha256", "damaged"))
    assert victim.read_text() == "precious"
    assert not list(snapshot.iterdir())
    assert not list(blob.parent.iterdir())
