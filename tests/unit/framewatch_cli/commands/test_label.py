"""framewatch label against a fake server: what it writes, how it goes on, and its exit codes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_cli.app import run
from framewatch_cli.labelling.scoring import CALLS_AT_ONCE
from framewatch_client import Source
from framewatch_client.types import Frame
from tests.unit.framewatch_cli.labelling.labelling_service import BROKEN, LabellingService
from tests.unit.framewatch_cli.pictures.sheet_pages import read_page
from tests.unit.framewatch_client.fake_server import fake_model, fault

LABELS = ["--label", "bright", "--label", "dark / night"]


@pytest.fixture
def service() -> LabellingService:
    return LabellingService()


@pytest.fixture
def server(thread_address: str) -> list[str]:
    return ["--server", thread_address]


def write_grey(path: Path, grey: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((24, 32, 3), grey, np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Bright, dark, middling and broken pictures, some of the same name."""
    folder = tmp_path / "photos"
    write_grey(folder / "day/1.png", 250)
    write_grey(folder / "night/1.png", 5)
    write_grey(folder / "1.png", 252)
    write_grey(folder / "day/noon/2.jpg", 255)
    write_grey(folder / "dusk.png", 150)
    (folder / "broken.jpg").write_bytes(BROKEN)
    (folder / "notes.txt").write_text("no picture")
    write_grey(folder / ".trash/1.png", 250)
    return folder


def files(out: Path) -> list[str]:
    return sorted(
        path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file() and path.suffix != ".lock"
    )


TREE = [
    ".framewatch-label.jsonl",
    "labels.json",
    "pictures.jsonl",
    "train/bright/1.png",
    "train/bright/day__1.png",
    "train/bright/day__noon__2.jpg",
    "train/dark %2F night/night__1.png",
    "uncertain/bright/dusk.png",
]


def rows(path: Path) -> dict[str, dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return {row["source"]: row for row in found}


def test_a_tree_of_folders(server: list[str], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "labelled"
    assert run(["label", str(folder), *LABELS, "--out", str(out), *server]) == 1, "a picture failed"
    assert files(out) == TREE
    assert (out / "train/bright/day__1.png").read_bytes() == (folder / "day/1.png").read_bytes()
    labels = json.loads((out / "labels.json").read_text())
    assert labels["classes"] == ["bright", "dark %2F night"]
    assert labels["folders"]["dark %2F night"] == "dark / night"
    found = rows(out / "pictures.jsonl")
    assert list(found) == ["1.png", "broken.jpg", "day/1.png", "day/noon/2.jpg", "dusk.png", "night/1.png"]
    assert found["dusk.png"] == {
        "file": "uncertain/bright/dusk.png", "source": "dusk.png", "pile": "uncertain", "split": None,
        "label": "bright", "score": pytest.approx(150 / 255, abs=1e-6), "runner_up": "dark / night",
        "margin": pytest.approx(45 / 255, abs=1e-6), "model": "fake", "time_s": None, "frame": None, "error": None,
        "scores": {
            "bright": {"probability": pytest.approx(150 / 255, abs=1e-6), "similarity": pytest.approx(75 / 255, abs=1e-6), "presence": pytest.approx(150 / 255, abs=1e-6)},
            "dark / night": {"probability": pytest.approx(105 / 255, abs=1e-6), "similarity": pytest.approx(52.5 / 255, abs=1e-6), "presence": pytest.approx(105 / 255, abs=1e-6)},
        },
    }  # fmt: skip
    assert found["broken.jpg"]["pile"] == "failed"
    assert found["broken.jpg"]["error"] == "it is cut off [UNDECODABLE_IMAGE]"
    out_text, err = capsys.readouterr()
    assert "4 labelled, 1 uncertain" in out_text
    assert "broken.jpg: it is cut off" in err


def test_a_second_run_asks_only_for_what_failed(
    server: list[str], service: LabellingService, folder: Path, tmp_path: Path
) -> None:
    command = ["label", str(folder), *LABELS, "--out", str(tmp_path / "labelled"), *server]
    assert run(command) == 1
    write_grey(folder / "broken.jpg", 254)
    write_grey(folder / "new.png", 254)
    service.calls.clear()
    assert run(command) == 0
    # both calls are in flight at once: either may arrive first
    assert sorted(call.image.encoded for call in service.calls) == sorted(
        (folder / name).read_bytes() for name in ("broken.jpg", "new.png")
    )
    assert files(tmp_path / "labelled") == sorted([*TREE, "train/bright/broken.jpg", "train/bright/new.png"])


@pytest.mark.parametrize(
    ("options", "moved"),
    [
        pytest.param(["--min-score", "0.5"], {"uncertain/bright/dusk.png": "train/bright/dusk.png"}, id="lower"),
        pytest.param(["--min-score", "0.5", "--min-margin", "0.3"], {}, id="the margin holds it back"),
        pytest.param(["--min-score", "0.99"], {"train/bright/1.png": "uncertain/bright/1.png", "train/bright/day__1.png": "uncertain/bright/day__1.png", "train/dark %2F night/night__1.png": "uncertain/dark %2F night/night__1.png"}, id="higher"),
        pytest.param(["--score", "presence"], {}, id="the other score"),
        pytest.param(["--val-share", "0.9999"], {name: name.replace("train", "validation") for name in TREE if name.startswith("train")}, id="validation"),
    ],
)  # fmt: skip
def test_other_thresholds_need_no_server(
    server: list[str], folder: Path, tmp_path: Path, options: list[str], moved: dict[str, str]
) -> None:
    (folder / "broken.jpg").unlink()
    command = ["label", str(folder), *LABELS, "--out", str(tmp_path / "labelled")]
    assert run([*command, *server]) == 0
    assert run([*command, *options, "--server", "127.0.0.1:1"]) == 0
    assert files(tmp_path / "labelled") == sorted(moved.get(name, name) for name in TREE)
    assert run([*command, "--server", "127.0.0.1:1"]) == 0
    assert files(tmp_path / "labelled") == TREE, "and back again"


@pytest.mark.parametrize("link", ["hard", "symbolic"])
def test_links(server: list[str], folder: Path, tmp_path: Path, link: str) -> None:
    out = tmp_path / "labelled"
    run(["label", str(folder), *LABELS, "--out", str(out), "--link", link, *server])
    assert files(out) == TREE
    linked = out / "train/bright/day__1.png"
    assert linked.samefile(folder / "day/1.png")
    assert linked.is_symlink() == (link == "symbolic")


def test_csv(server: list[str], folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.csv"
    assert run(["label", str(folder), *LABELS, "--out", str(out), "--val-share", "0.5", *server]) == 1
    with out.open(newline="") as file:
        found = {row["source"]: row for row in csv.DictReader(file)}
    assert found["day/1.png"]["file"] == str(folder / "day/1.png")
    assert float(found["day/1.png"]["probability: bright"]) == pytest.approx(250 / 255, abs=1e-6)
    assert {row["split"] for row in found.values()} <= {"train", "validation", ""}
    assert found["broken.jpg"]["error"].startswith("it is cut off")


def test_json_lines_and_a_summary_in_json(
    server: list[str], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new/labels.jsonl"
    assert run(["label", str(folder / "**/*.png"), *LABELS, "--out", str(out), "--json", *server]) == 0
    assert {row["file"] for row in rows(out).values()} == {
        str(folder / name) for name in ("1.png", "dusk.png", "day/1.png", "night/1.png")
    }
    summary = json.loads(capsys.readouterr().out)
    assert (summary["labelled"], summary["uncertain"], summary["failed"]) == (3, 1, 0)
    assert summary["labels"][0] == {
        "label": "bright",
        "train": 2,
        "validation": 0,
        "uncertain": 1,
        "mean_score": pytest.approx(251 / 255, abs=1e-4),
    }


def test_the_same_glob_in_another_folder_is_another_source(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["label", "*.png", *LABELS, "--out", str(tmp_path / "labelled"), *server]
    for name, grey, code in (("first", 250, 0), ("second", 5, 2)):
        write_grey(tmp_path / name / "1.png", grey)
        monkeypatch.chdir(tmp_path / name)
        assert run(command) == code
    err = "".join(capsys.readouterr().err.split())
    assert f'sourcewas"{tmp_path}/first/*.png"andis"{tmp_path}/second/*.png"' in err
    assert list(rows(tmp_path / "labelled/pictures.jsonl")) == ["1.png"]


def test_a_glob_that_finds_more_folders_labels_only_those(
    server: list[str], service: LabellingService, tmp_path: Path
) -> None:
    command = ["label", str(tmp_path / "in/*/*.png"), *LABELS, "--out", str(tmp_path / "labelled"), *server]
    write_grey(tmp_path / "in/a/1.png", 250)
    assert run(command) == 0
    write_grey(tmp_path / "in/b/1.png", 5)
    assert run(command) == 0
    assert len(service.calls) == 2
    assert list(rows(tmp_path / "labelled/pictures.jsonl")) == ["a/1.png", "b/1.png"]


def test_calls_run_side_by_side_but_not_too_many(server: list[str], service: LabellingService, tmp_path: Path) -> None:
    for i in range(2 * CALLS_AT_ONCE):
        write_grey(tmp_path / f"many/{i}.png", 255 - i % 5)
    service.expected = CALLS_AT_ONCE
    assert run(["label", str(tmp_path / "many"), *LABELS, "--out", str(tmp_path / "x.jsonl"), *server]) == 0
    assert service.most_at_once == CALLS_AT_ONCE
    assert list(rows(tmp_path / "x.jsonl")) == [f"{i}.png" for i in range(2 * CALLS_AT_ONCE)], "in their order"


@pytest.fixture
def video(make_video: Callable[..., Path]) -> Path:
    """40 frames, grey from 0 to 156, 10 a second."""
    return make_video(40, 10.0)


def test_frames_of_a_video(server: list[str], video: Path, tmp_path: Path) -> None:
    out = tmp_path / "labelled"
    command = ["label", str(video), *LABELS, "--out", str(out), "--change-threshold", "0"]
    assert run([*command, *server]) == 0
    names = [f"video-frame{index:06d}-{index / 10:.3f}s.jpg" for index in (0, 10, 20, 30)]
    assert [name for name in files(out) if name.endswith(".jpg")] == [
        f"train/dark %2F night/{names[0]}", *(f"uncertain/dark %2F night/{name}" for name in names[1:])
    ]  # fmt: skip
    found = rows(out / "pictures.jsonl")
    assert [(row["frame"], row["time_s"]) for row in found.values()] == [(0, 0.0), (10, 1.0), (20, 2.0), (30, 3.0)]
    assert cv2.imread(str(out / f"uncertain/dark %2F night/{names[2]}")).shape == (48, 64, 3), "as large as it was"
    assert run([*command, "--min-score", "0.5", "--server", "127.0.0.1:1"]) == 0, "all is done"


def test_frames_that_show_nothing_new_are_skipped(
    server: list[str], service: LabellingService, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.jsonl"
    assert (
        run(["label", str(video), *LABELS, "--out", str(out), "--every", "5", "--change-threshold", "0.1", *server])
        == 0
    )
    assert service.configs[0].reuse.change_threshold == pytest.approx(0.1)
    assert [row["pile"] for row in rows(out).values()].count("skipped") == 4
    assert "4 skipped" in " ".join(capsys.readouterr().out.split())
    assert {row["file"] for row in rows(out).values()} == {str(video)}


def test_a_video_goes_on_after_its_last_frame(
    server: list[str], service: LabellingService, video: Path, tmp_path: Path
) -> None:
    out = tmp_path / "labelled"
    command = ["label", str(video), *LABELS, "--out", str(out), "--every", "4", *server]
    assert run(command) == 0
    log = out / ".framewatch-label.jsonl"
    whole = log.read_bytes()
    tree = files(out)
    log.write_bytes(b"".join(whole.splitlines(keepends=True)[:6]) + b'{"item":"fra')
    service.frames.clear()
    assert run(command) == 0
    assert [frame.frame_id for frame in service.frames] == [16, 20, 24, 28, 32, 36], "one more, to compare with"
    assert log.read_bytes() == whole
    assert files(out) == tree


def test_a_plot_and_a_sheet(server: list[str], folder: Path, video: Path, tmp_path: Path) -> None:
    plot, sheet = tmp_path / "plot.png", tmp_path / "sheet.html"
    drawn = ["--plot", str(plot), "--sheet", str(sheet)]
    for source, out in ((folder, "x"), (folder, "x.csv"), (video, "y"), (video, "y.csv")):
        run(["label", str(source), *LABELS, "--out", str(tmp_path / out), *drawn, *server])
        image = cv2.imread(str(plot))
        assert image is not None
        assert image.std() > 5, "there is something on it"
        _, cells = read_page(sheet)
        assert cells
        assert not any(cell.picture is None for cell in cells)
        assert all(len(cell.lines) == 3 for cell in cells)
        plot.unlink()
        sheet.unlink()
    run(
        [
            "label",
            str(folder),
            *LABELS,
            "--out",
            str(tmp_path / "x"),
            "--min-score",
            "0",
            "--sheet",
            str(sheet),
            *server,
        ]
    )
    assert not sheet.exists(), "nothing is uncertain"


def test_restart_without_a_server_removes_nothing(server: list[str], folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "labelled"
    command = ["label", str(folder), *LABELS, "--out", str(out)]
    run([*command, *server])
    before = files(out)
    assert run([*command, "--restart", "--server", "127.0.0.1:1"]) == 3
    assert run([*command, "--restart", "--model", "missing", *server]) == 1
    assert files(out) == before
    assert run([*command, "--restart", *server]) == 1, "one picture is broken"
    assert files(out) == before


@pytest.mark.parametrize("name", ["../../../mine.png", "{mine}", "..", "a/../../../../mine.png"])
@pytest.mark.parametrize("options", [["--restart"], ["--min-score", "0.2"], []], ids=["restart", "move", "go on"])
def test_a_log_that_leads_out_of_the_folder_is_refused(
    server: list[str],
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    options: list[str],
) -> None:
    out, mine = tmp_path / "out", tmp_path / "mine.png"
    mine.write_bytes(b"mine")
    command = ["label", str(folder), *LABELS, "--out", str(out), *server]
    assert run(command) == 1, "one picture is broken"
    log = out / ".framewatch-label.jsonl"
    header, *lines = log.read_text().splitlines()
    lines = [json.dumps(json.loads(line) | {"name": name.format(mine=mine)}) for line in lines]
    log.write_text("\n".join([header, *lines, ""]))
    before = files(tmp_path)
    capsys.readouterr()
    assert run([*command, *options]) == 2
    assert "no name of a file" in capsys.readouterr().err
    assert files(tmp_path) == before
    assert mine.read_bytes() == b"mine"


def test_restart_removes_what_was_written_and_nothing_else(server: list[str], folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "labelled"
    run(["label", str(folder), *LABELS, "--out", str(out), "--metadata", *server])
    (out / "train/bright/mine.jpg").write_bytes(b"mine")
    others = ["--label", "x", "--label", "y"]
    assert run(["label", str(folder), *others, "--out", str(out), *server]) == 2, "other labels"
    assert run(["label", str(folder), *others, "--out", str(out), "--restart", *server]) == 1
    assert [name for name in files(out) if "/" in name] == [
        "train/bright/mine.jpg", "train/x/1.png", "train/x/day__1.png", "train/x/day__noon__2.jpg",
        "train/y/night__1.png", "uncertain/x/dusk.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        pytest.param(["{folder}", "--out", "x", "--fps", "1", "--every", "2"], 2, "--fps and --every", id="both"),
        pytest.param(["{folder}", "--out", "x.parquet"], 2, "NAME.csv or NAME.jsonl", id="format"),
        pytest.param(["{folder}", "--out", "x.csv", "--link", "hard"], 2, "--link is for a folder", id="link"),
        pytest.param(["{folder}", "--out", "{folder}"], 1, "no run of framewatch label wrote it", id="foreign folder"),
        pytest.param(["{folder}", "--out", "{folder}/old.csv"], 1, "--restart", id="foreign table"),
        pytest.param(["{folder}", "--out", "x", "--sheet", "x.xyz"], 2, "expected a file that ends in .html", id="sheet's format"),
        pytest.param(["{folder}", "--out", "x", "--sheet", "sheet"], 2, "expected a file that ends in .html", id="sheet without a format"),
        pytest.param(["{folder}", "--out", "x", "--sheet", "no/x.html"], 2, "there is no folder no; make it first", id="sheet's folder"),
        pytest.param(["{folder}", "--out", "x", "--plot", "x.foo"], 2, "the plot x.foo: expected a file that ends in .", id="plot's format"),
        pytest.param(["{folder}", "--out", "x", "--plot", "no/x.png"], 2, "there is no folder no; make it first", id="plot's folder"),
        pytest.param(["{folder}", "--out", "x", "--plot", "{folder}/it-is-a-folder.png"], 2, "it is a folder; give a file's name", id="plot is a folder"),
        pytest.param(["{folder}", "day", "--out", "x"], 2, "photos, day), and each needs an --out of its own", id="two sources"),
        pytest.param(["1.png", "2.png", "3.png", "4.png", "--out", "x"], 2, "4 sources were given (1.png, 2.png, 3.png, …)", id="four sources"),
        pytest.param(["{folder}/empty", "--out", "x"], 1, "holds no pictures", id="no pictures"),
        pytest.param(["no-such.mp4", "--out", "x"], 1, "there is no no-such.mp4", id="no source"),
        pytest.param(["{folder}", "--out", "x", "--min-score", "2"], 2, "2", id="score"),
        pytest.param(["{folder}", "--out", "x", "--server", "127.0.0.1:1"], 3, "no framewatch server", id="no server"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_reported(
    folder: Path, tmp_path: Path, server: list[str], service: LabellingService, options: list[str], code: int, words: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (folder / "empty").mkdir()
    (folder / "it-is-a-folder.png").mkdir()
    (folder / "old.csv").write_text("mine")
    chosen = [option.replace("{folder}", str(folder)) for option in options]
    chosen += [] if "--server" in chosen else server
    assert run(["label", *chosen, *LABELS]) == code
    assert words in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "x/.framewatch-label.jsonl").exists(), "nothing stands in the way of the next try"
    assert service.calls == [], "it is reported before the work"


def test_a_sheet_and_a_plot_beside_the_labels(server: list[str], folder: Path, tmp_path: Path) -> None:
    for out in (tmp_path / "new/labelled", tmp_path / "newer/labels.csv"):
        place = out if out.suffix == "" else out.parent
        drawn = [place / "sheet.html", place / "plot.svg"]
        run(
            [
                "label",
                str(folder),
                *LABELS,
                "--out",
                str(out),
                "--sheet",
                str(drawn[0]),
                "--plot",
                str(drawn[1]),
                *server,
            ]
        )
        assert all(path.is_file() for path in drawn)


def test_a_sheet_of_a_camera_needs_its_pictures(
    server: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Camera(Source):
        name = "camera 0"
        origin_time = datetime(2026, 3, 1, tzinfo=UTC)

        def __iter__(self) -> Iterator[Frame]:
            pytest.fail("it is reported before the work")

    monkeypatch.setattr("framewatch_cli.labelling.sources.open_source", lambda *_: Camera())
    options = ["--out", str(tmp_path / "x.csv"), "--sheet", str(tmp_path / "x.html")]
    assert run(["label", "0", *LABELS, *options, *server]) == 2
    assert "the source is live, and its frames will be gone" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("reason", "error", "code"),
    [
        pytest.param("of all", fault(grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", "no such model"), 1, id="no model"),
        pytest.param("of all", fault(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_LABEL_SET", "bad", "label_set.labels[0]"), 1, id="labels"),
        pytest.param("of one", fault(grpc.StatusCode.INTERNAL, "INTERNAL", "error 4711"), 1, id="a fault of the server"),
        pytest.param("of one", fault(grpc.StatusCode.RESOURCE_EXHAUSTED, "IMAGE_TOO_LARGE", "too large", "image"), 1, id="too large"),
    ],
)  # fmt: skip
def test_what_ends_a_run_and_what_does_not(
    server: list[str], service: LabellingService, folder: Path, tmp_path: Path, reason: str, error: Any, code: int
) -> None:
    service.faults = {BROKEN: error}
    out = tmp_path / "x.jsonl"
    assert run(["label", str(folder), *LABELS, "--out", str(out), *server]) == code
    assert len(rows(out)) == (6 if reason == "of one" else 1), "what came before is kept"


@pytest.mark.parametrize(
    "models",
    [
        pytest.param([fake_model("fake", "beef")], id="other weights of the same name"),
        pytest.param([fake_model("another", "beef")], id="another model"),
    ],
)
@pytest.mark.parametrize("is_video", [False, True], ids=["pictures", "video"])
def test_other_weights_are_reported(
    server: list[str], service: LabellingService, folder: Path, video: Path, tmp_path: Path, models: list[pb.Model],
    is_video: bool, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    out = tmp_path / "x"
    command = ["label", str(video if is_video else folder), *LABELS, "--out", str(out), *server]
    run(command)
    log = out / ".framewatch-label.jsonl"
    assert json.loads(log.read_text().splitlines()[0])["weights_digest"] == "0123456789abcdef"
    if is_video:  # as if it had been cut off
        log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:2]))
    before = rows(out / "pictures.jsonl") if not is_video else {}
    service.models = models
    capsys.readouterr()
    assert run(command) == 1
    err = " ".join(capsys.readouterr().err.split())
    assert "scored by the model fake (weights 0123456789abcdef), which is not loaded" in err
    assert f"there is: {models[0].name} (weights beef)" in err
    assert "[MODEL_NOT_FOUND]" in err
    assert "the same command again goes on" not in err
    assert all(rows(out / "pictures.jsonl")[name] == before[name] for name in before if before[name]["scores"])
    assert run([*command, "--restart"]) == (0 if is_video else 1)


@pytest.mark.parametrize(
    ("models", "asked"),
    [
        pytest.param([fake_model("new name")], "new name", id="under another name"),
        pytest.param([fake_model("new", "beef"), fake_model("fake")], "fake", id="no longer the default"),
        pytest.param([fake_model("new"), fake_model("fake")], "fake", id="both"),
    ],
)
def test_the_same_weights_go_on(
    server: list[str], service: LabellingService, folder: Path, tmp_path: Path, models: list[pb.Model], asked: str
) -> None:
    command = ["label", str(folder), *LABELS, "--out", str(tmp_path / "x"), *server]
    run(command)
    write_grey(folder / "broken.jpg", 255)
    service.models = models
    service.calls.clear()
    assert run(command) == 0
    assert [call.model for call in service.calls] == [asked]


def test_what_the_server_warns_of_is_reported_once(
    server: list[str], service: LabellingService, folder: Path, video: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    service.warnings = [
        pb.Warning(reason="TEXT_TRUNCATED", message=f"label {n} was cut off", field=f"label_set.labels[{n}]")
        for n in (0, 1)
    ]
    for source in (folder, video):
        run(["label", str(source), *LABELS, "--out", str(tmp_path / f"{source.name}.jsonl"), "--json", *server])
        out_text, err = capsys.readouterr()
        json.loads(out_text)
        for n in (0, 1):
            assert err.count(f"warning: label {n} was cut off (label_set.labels[{n}]) [TEXT_TRUNCATED]") == 1
    assert caplog.messages == [], "nor a second time by the logger"


@pytest.mark.parametrize(("score", "count"), [("probability", 1), ("presence", 0)])
def test_a_single_label_is_warned_of_where_its_probability_counts(
    server: list[str], service: LabellingService, folder: Path, tmp_path: Path, score: str, count: int,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    service.warnings = [pb.Warning(reason="SINGLE_LABEL", message="always 1", field="label_set.labels")]
    run(["label", str(folder), *LABELS, "--score", score, "--out", str(tmp_path / "x.jsonl"), *server])
    assert capsys.readouterr().err.count("always 1") == count


def test_a_model_that_is_replaced_on_the_way_ends_the_run(
    server: list[str], service: LabellingService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(3 * CALLS_AT_ONCE):
        write_grey(tmp_path / f"many/{i}.png", 255)
    out = tmp_path / "x.jsonl"
    command = ["label", str(tmp_path / "many"), *LABELS, "--out", str(out), *server]
    service.replaced_at = 2 * CALLS_AT_ONCE
    assert run(command) == 1
    err = " ".join(capsys.readouterr().err.split())
    assert "fake has other weights now (beef, before 0123456789abcdef), and their scores can't be compared" in err
    assert "[MODEL_REPLACED]" in err
    done = rows(out)
    assert 0 < len(done) < 2 * CALLS_AT_ONCE
    assert {row["pile"] for row in done.values()} == {"labelled"}, "no picture is to blame"
    assert run(command) == 1
    assert "which is not loaded" in " ".join(capsys.readouterr().err.split())
    assert rows(out) == done


def test_a_model_that_was_replaced_before_a_video_begins(
    server: list[str], service: LabellingService, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.started.weights_digest = "beef"
    assert run(["label", str(video), *LABELS, "--out", str(tmp_path / "x.jsonl"), *server]) == 1
    assert "[MODEL_REPLACED]" in capsys.readouterr().err
    assert not (tmp_path / "x.jsonl").exists()


@pytest.mark.parametrize("is_video", [False, True], ids=["pictures", "video"])
def test_an_answer_that_does_not_fit_ends_the_run_and_fails_no_picture(
    server: list[str], service: LabellingService, folder: Path, video: Path, tmp_path: Path, is_video: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    service.short_from = 3
    out = tmp_path / "x.jsonl"
    command = ["label", str(video if is_video else folder), *LABELS, "--out", str(out), "--every", "1", *server]
    assert run([*command, "--change-threshold", "0"]) == 1
    err = " ".join(capsys.readouterr().err.split())
    assert "1 scores, and not one for each of 2 labels" in err
    assert "[INVALID_RESPONSE]" in err
    assert not any("INVALID_RESPONSE" in (row["error"] or "") for row in (rows(out) if out.exists() else {}).values())


def test_slow_models_have_time(server: list[str], service: LabellingService, folder: Path, tmp_path: Path) -> None:
    run(["label", str(folder), *LABELS, "--out", str(tmp_path / "x.csv"), *server])
    assert min(service.timeouts_s) > 200


def test_a_server_that_answers_no_call_in_time_ends_the_run(
    server: list[str], service: LabellingService, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    late = fault(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "busy")
    service.faults = {path.read_bytes(): late for path in folder.rglob("*.*g")}
    out = tmp_path / "x.jsonl"
    assert run(["label", str(folder), *LABELS, "--out", str(out), *server]) == 1
    assert "error: busy [DEADLINE_EXCEEDED]" in capsys.readouterr().err
    assert not out.exists(), "no picture is to blame"


def test_a_picture_that_is_too_large_is_not_even_read(server: list[str], folder: Path, tmp_path: Path) -> None:
    with (folder / "broken.jpg").open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    assert run(["label", str(folder), *LABELS, "--out", str(tmp_path / "x.jsonl"), *server]) == 1
    assert "IMAGE_TOO_LARGE" in rows(tmp_path / "x.jsonl")["broken.jpg"]["error"]


@pytest.mark.parametrize("out", ["labelled", "labels.csv"])
def test_a_second_run_at_the_same_time_is_refused(
    server: list[str], service: LabellingService, folder: Path, tmp_path: Path, out: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    command = ["label", str(folder), *LABELS, "--out", str(tmp_path / out), *server]
    codes: list[int] = []
    service.meanwhile = lambda: codes.extend(run([*command, *more]) for more in ([], ["--restart"]))
    (folder / "broken.jpg").unlink()
    assert run(command) == 0
    assert codes == [1, 1]
    err = " ".join(capsys.readouterr().err.split())
    assert f"another framewatch label is writing to {tmp_path / out}: wait until it has ended" in err
    service.meanwhile = None
    service.calls.clear()
    assert run(command) == 0, "and when it has ended, another one goes on"
    assert service.calls == []
    found = rows(tmp_path / "labelled/pictures.jsonl") if out == "labelled" else {}
    for source, row in found.items():
        assert (tmp_path / out / row["file"]).read_bytes() == (folder / source).read_bytes()


@pytest.mark.parametrize("is_video", [False, True], ids=["pictures", "video"])
def test_ctrl_c_ends_it_and_it_goes_on(
    server: list[str], service: LabellingService, make_video: Callable[..., Path], tmp_path: Path, is_video: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for i in range(60):
        write_grey(tmp_path / f"many/{i}.png", 255)
    source = make_video(60, 10.0) if is_video else tmp_path / "many"
    service.interrupt_at = 20
    out = tmp_path / "x.jsonl"
    command = ["label", str(source), *LABELS, "--out", str(out), "--every", "1", "--change-threshold", "0", *server]
    assert run(command) == 130
    done = len(rows(out))
    assert 0 < done < 60
    assert f"stopped after {done} of about 60 pictures: the same command again goes on" in " ".join(
        capsys.readouterr().err.split()
    )
    service.interrupt_at = None
    service.calls.clear()
    service.frames.clear()
    assert run(command) == 0
    assert len(service.calls) + len(service.frames) == 60 - done
    assert len(rows(out)) == 60
