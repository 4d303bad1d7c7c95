"""`framewatch label` with a real server: labels of rendered scenes, a killed run, and loaders of image folders."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import pytest

from framewatch_bench.spawn import ServerProcess
from framewatch_cli.app import run
from framewatch_demo.scenes import render
from tests.paths import SHARED_DATA

# one name has the word `train`: the library `datasets` takes a folder with that word in its name for a split
LABELS = {
    "belt_box": "a cardboard box on a conveyor belt",
    "room_dog_day": "a dog in a room / train",
    "table_cup": "a cup on a table",
}
SEEDS = range(700, 716)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rendered scenes in a folder for each label, with the same file names in each, and a file that is cut off."""
    folder = tmp_path_factory.mktemp("scenes")
    for concept in LABELS:
        (folder / concept).mkdir()
        for seed in SEEDS:
            cv2.imwrite(str(folder / concept / f"{seed}.jpg"), render(concept, seed).image)
    whole = (folder / "belt_box/700.jpg").read_bytes()
    (folder / "cut_off.jpg").write_bytes(whole[: len(whole) // 2])
    return folder


def command(server: ServerProcess, source: Path, out: Path, *options: str) -> list[str]:
    labels = [part for label in LABELS.values() for part in ("--label", label)]
    return ["label", str(source), *labels, "--out", str(out), "--server", server.address, *options]


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rendered_scenes_get_their_labels(
    server: ServerProcess, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "labels.jsonl"
    assert run(command(server, scenes, out, "--json")) == 1, "one file is cut off"
    found = rows(out)
    assert [row["source"] for row in found if row["pile"] == "failed"] == ["cut_off.jpg"]
    labelled = [row for row in found if row["pile"] == "labelled"]
    assert len(labelled) > 0.8 * len(found)
    wrong = [row for row in labelled if row["label"] != LABELS[row["source"].split("/")[0]]]
    assert len(wrong) <= 0.05 * len(labelled)
    assert json.loads(capsys.readouterr().out)["failed"] == 1


@pytest.fixture
def labelled(server: ServerProcess, scenes: Path, tmp_path: Path) -> Path:
    out = tmp_path / "labelled"
    assert run(command(server, scenes, out, "--val-share", "0.25")) == 1
    return out


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The library `datasets`, offline, with its cache in the test's own folder."""
    for name, value in {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}.items():
        monkeypatch.setenv(name, value)
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "hf/datasets"))
    datasets.disable_progress_bars()
    return datasets


def counts(out: Path, split: str) -> Counter[str]:
    return Counter(row["label"] for row in rows(out / "pictures.jsonl") if row["split"] == split)


def test_datasets_loads_the_tree_with_its_classes(labelled: Path, datasets: Any) -> None:
    loaded = datasets.load_dataset("imagefolder", data_dir=str(labelled))
    assert set(loaded) == {"train", "validation"}, "uncertain pictures are no split"
    written = json.loads((labelled / "labels.json").read_text())
    for split, data in loaded.items():
        classes = data.features["label"].names
        assert classes == written["classes"]
        names = [written["folders"][classes[number]] for number in data["label"]]
        assert Counter(names) == counts(labelled, split)
        assert {image.mode for image in data["image"]} == {"RGB"}


def test_the_rules_of_torchvision_find_the_same_classes(labelled: Path) -> None:
    """Applies the rules of `torchvision.datasets.ImageFolder`: sorted folders are the classes, and each has pictures."""
    written = json.loads((labelled / "labels.json").read_text())
    for split in ("train", "validation"):
        classes = sorted(entry.name for entry in os.scandir(labelled / split) if entry.is_dir())
        assert classes == written["classes"]
        for name in classes:
            pictures = [file for _, _, files in os.walk(labelled / split / name, followlinks=True) for file in files]
            assert all(file.lower().endswith((".jpg", ".png", ".webp")) for file in pictures)
            assert len(pictures) == counts(labelled, split)[written["folders"][name]] > 0


def test_datasets_loads_scores_with_the_option_metadata(
    server: ServerProcess, scenes: Path, labelled: Path, datasets: Any
) -> None:
    assert run(command(server, scenes, labelled, "--val-share", "0.25", "--metadata")) == 1
    loaded = datasets.load_dataset("imagefolder", data_dir=str(labelled))
    for split, data in loaded.items():
        assert Counter(data["label"]) == counts(labelled, split)
        assert min(data["score"]) >= 0.9
        assert data[0]["image"].size[0] > 0
        assert set(data[0]["scores"]) == set(LABELS.values())


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_datasets_loads_tables(server: ServerProcess, scenes: Path, tmp_path: Path, datasets: Any, suffix: str) -> None:
    out = tmp_path / f"labels.{suffix}"
    run(command(server, scenes, out))
    kind = {"csv": "csv", "jsonl": "json"}[suffix]
    data = datasets.load_dataset(kind, data_files=str(out), split="train")
    kept = data.filter(lambda row: row["pile"] == "labelled").cast_column("file", datasets.Image())
    assert kept[0]["file"].size[0] > 0
    assert set(kept["label"]) == set(LABELS.values())


@pytest.fixture
def many(scenes: Path, tmp_path: Path) -> Path:
    """Several copies of the scenes, so that a run lasts long enough to be killed."""
    for i in range(6):
        shutil.copytree(scenes, tmp_path / f"many/{i}")
    return tmp_path / "many"


def test_a_killed_run_continues_where_it_ended(server: ServerProcess, many: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-m", "framewatch_cli", *command(server, many, out)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    log = out / ".framewatch-label.jsonl"
    while process.poll() is None and not (log.exists() and log.read_bytes().count(b"\n") > 20):
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    done = log.read_bytes().splitlines(keepends=True)
    total = sum(1 for path in many.rglob("*.jpg"))
    assert 20 < len(done) < total, "the run was killed midway"
    with log.open("ab") as file:
        file.write(b'{"item":"torn')
    assert run(command(server, many, out)) == 1
    assert log.read_bytes().startswith(b"".join(line for line in done[:-1] if b'"error"' not in line))
    found = rows(out / "pictures.jsonl")
    assert len({row["source"] for row in found}) == len(found) == total
    kept = sorted(str(path.relative_to(out)) for path in out.rglob("*.jpg"))
    assert kept == sorted(row["file"] for row in found if row["file"]), "each file exists once"
    for row in found:
        assert not row["file"] or (out / row["file"]).read_bytes() == (many / row["source"]).read_bytes()


@pytest.mark.skipif(
    not (SHARED_DATA / "bottles.mp4").exists(), reason="the shared example videos are not there (../shared/data)"
)
def test_frames_of_a_real_video_are_labelled_or_skipped(server: ServerProcess, tmp_path: Path) -> None:
    out = tmp_path / "frames"
    labels = ["--label", "a bottle", "--label", "an empty table"]
    options = ["--fps", "5", "--out", str(out), "--sheet", str(tmp_path / "sheet.html"), "--server", server.address]
    assert run(["label", str(SHARED_DATA / "bottles.mp4"), *labels, *options]) == 0
    found = rows(out / "pictures.jsonl")
    piles = Counter(row["pile"] for row in found)
    assert piles["skipped"] > 0, "frames in which nothing moves"
    assert piles["labelled"] > 0
    assert all((out / row["file"]).is_file() for row in found if row["file"])
    times_s = [row["time_s"] for row in found]
    assert times_s == sorted(times_s)
