"""`framewatch embed`, `search` and `models` against a fake server, and warnings of `classify` and `watch`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_cli.app import run
from framewatch_cli.index import missing_files, update
from framewatch_cli.index.files import lock_index, read_index
from framewatch_cli.pictures.folder import FileState
from tests.unit.framewatch_cli.pictures.sheet_pages import read_page
from tests.unit.framewatch_client.fake_server import FakeService, fake_model

COLOURS = {"red": (0, 0, 255), "green": (0, 255, 0), "blue": (255, 0, 0)}


@pytest.fixture
def server(thread_address: str) -> list[str]:
    return ["--server", thread_address]


def paint(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((48, 64, 3), colour, dtype=np.uint8))


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three pictures, with the working folder that theirs lies in."""
    monkeypatch.chdir(tmp_path)
    for name, colour in COLOURS.items():
        paint(tmp_path / "photos" / f"{name}.png", colour)
    return tmp_path / "photos"


def embed(server: list[str], *arguments: str) -> int:
    return run(["embed", "photos", "--out", "i.npz", *arguments, *server])


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The JSON object that was printed last."""
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def embedded(service: FakeService) -> int:
    """Returns the number of requested images, and forgets the requests."""
    count = sum(len(call.images) for call in service.calls if isinstance(call, pb.EmbedRequest))
    service.calls.clear()
    return count


def test_embed_and_search(server: list[str], photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert embed(server) == 0
    out, err = capsys.readouterr()
    assert "3, 3 numbers each" in out
    assert "3 new" in out
    assert "fake (weights 0123456789abcdef)" in out
    assert err == ""
    assert run(["search", "a green thing", "--index", "i.npz", "--top", "2", *server]) == 0
    out, err = capsys.readouterr()
    first, second = out.splitlines()[3:5]
    assert first.split()[:2] == ["1", "1.0000"]
    assert first.split()[-1] == "photos/green.png"
    assert second.split()[0] == "2"
    assert "2 of 3 pictures, by fake" in out
    assert err == ""


def test_search_by_a_picture_as_json(server: list[str], photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    embed(server)
    assert run(["search", "photos/blue.png", "--index", "i.npz", "--min-score", "0.5", "--json", *server]) == 0
    found = printed(capsys)
    assert found["hits"] == [{"rank": 1, "score": 1.0, "path": str(photos / "blue.png"), "time_s": None}]
    assert (found["compared"], found["model"], found["index"]) == (3, "fake", "i.npz")


def test_text_is_text_even_if_there_is_such_a_file(
    server: list[str], service: FakeService, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embed(server)
    paint(Path("red.png"), COLOURS["blue"])
    for flag, expected in (([], "blue.png"), (["--image"], "blue.png"), (["--text"], "red.png")):
        assert run(["search", "red.png", "--index", "i.npz", "--top", "1", "--json", *flag, *server]) == 0
        (hit,) = printed(capsys)["hits"]  # type: ignore[misc]
        assert Path(hit["path"]).name == expected


def test_words_may_be_too_many_for_a_files_name(server: list[str], photos: Path) -> None:
    embed(server)
    assert run(["search", "a red thing " * 100, "--index", "i.npz", *server]) == 0


def test_only_what_is_new_or_has_changed_is_embedded(
    server: list[str], service: FakeService, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embed(server)
    assert embedded(service) == 3
    assert embed(server, "--json") == 0
    assert embedded(service) == 0
    assert printed(capsys)["unchanged"] == 3
    paint(photos / "deep" / "grey.png", (99, 99, 99))
    paint(photos / "green.png", COLOURS["red"])
    os.utime(photos / "green.png", ns=(1, 1))
    (photos / "blue.png").unlink()
    assert embed(server, "--json") == 0
    assert embedded(service) == 2
    summary = printed(capsys)
    assert [summary[name] for name in ("new", "changed", "unchanged", "vanished", "refused")] == [1, 1, 1, 1, 0]
    assert [entry.name for entry in read_index(Path("i.npz")).entries] == [
        "photos/deep/grey.png",
        "photos/green.png",
        "photos/red.png",
    ]


def test_folders_are_added_and_an_index_checks_its_own_files_again(
    server: list[str], service: FakeService, photos: Path
) -> None:
    embed(server)
    paint(Path("more/grey.png"), (99, 99, 99))
    assert run(["embed", "more", "--out", "i.npz", *server]) == 0
    assert len(read_index(Path("i.npz")).entries) == 4
    (photos / "red.png").unlink()
    assert run(["embed", "--out", "i.npz", *server]) == 0
    assert embedded(service) == 4
    assert len(read_index(Path("i.npz")).entries) == 3


def test_a_broken_picture_is_reported_and_left_out(
    server: list[str], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (photos / "junk.png").write_bytes(b"junk")
    assert embed(server) == 1
    out, err = capsys.readouterr()
    assert "3 new, 1 left out" in out
    assert err == "photos/junk.png: this is no image [UNSUPPORTED_FORMAT]\n"
    assert len(read_index(Path("i.npz")).entries) == 3


def test_nothing_but_broken_pictures_makes_no_index(server: list[str], photos: Path) -> None:
    for path in photos.iterdir():
        path.write_bytes(b"junk")
    assert embed(server) == 1
    assert not Path("i.npz").exists()


def test_videos(
    server: list[str], photos: Path, make_video: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    make_video(20, 10.0).rename(photos / "v.avi")
    assert embed(server) == 0
    assert "videos were left out (1): --fps 1" in capsys.readouterr().err
    assert embed(server, "--fps", "2") == 0
    names = [entry.name for entry in read_index(Path("i.npz")).entries]
    assert names[-4:] == [f"photos/v.avi@{time}s" for time in ("0.00", "0.50", "1.00", "1.50")]
    assert embed(server, "--json") == 0
    assert printed(capsys)["unchanged"] == 4
    assert run(["search", "red", "--index", "i.npz", "--sheet", "s.html", *server]) == 0
    _, cells = read_page(Path("s.html"))
    assert len(cells) == 8
    assert not any(cell.picture is None for cell in cells[1:])


def test_an_error_on_the_way_leaves_an_index_to_go_on_with(
    server: list[str], service: FakeService, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(100):
        paint(photos / f"{number}.png", (number, 0, 200))
    service.embeds_left = 5
    assert embed(server) == 1
    err = capsys.readouterr().err
    assert "broken off: i.npz has" in err
    assert "error: as configured" in err
    had = len(read_index(Path("i.npz")).entries)
    assert 0 < had < 103
    embedded(service)
    service.embeds_left = None
    assert embed(server) == 0
    assert embedded(service) == 103 - had
    assert len(read_index(Path("i.npz")).entries) == 103


def test_ctrl_c_leaves_an_index_to_go_on_with(thread_address: str, service: FakeService, photos: Path) -> None:
    for number in range(100):
        paint(photos / f"{number}.png", (number, 0, 200))
    service.embeds_left, service.hold_embeds = 5, True
    command = [
        sys.executable,
        "-m",
        "framewatch_cli",
        "embed",
        "photos",
        "--out",
        "i.npz",
        "--server",
        thread_address,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert service.waiting.wait(60)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    had = len(read_index(Path("i.npz")).entries)
    assert 0 < had <= 40
    assert f"broken off: i.npz has {had} pictures; the same command goes on from there" in err


@pytest.fixture
def many(photos: Path) -> list[Path]:
    """A hundred pictures more."""
    paths = [photos / f"{number}.png" for number in range(100)]
    for number, path in enumerate(paths):
        paint(path, (number, 0, 200))
    return paths


def touch(paths: Iterable[Path]) -> None:
    for path in paths:
        os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("again", [["embed", "photos", "--out", "i.npz"], ["embed", "--out", "i.npz"]], ids=" ".join)
@pytest.mark.parametrize("save_every", [8, 4096], ids=["saved on the way", "saved at the end"])
def test_a_run_over_changed_files_that_is_broken_off_loses_none(
    server: list[str],
    service: FakeService,
    photos: Path,
    many: list[Path],
    again: list[str],
    save_every: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(update, "SAVE_EVERY", save_every)
    assert embed(server) == 0
    touch(many)
    embedded(service)
    service.embeds_left = 5
    assert run([*again, *server]) == 1
    assert "i.npz has 103 pictures, those of 60 changed files as they were; the same command" in capsys.readouterr().err
    embedded(service)
    service.embeds_left = None
    assert len(read_index(Path("i.npz")).entries) == 103
    assert run([*again, "--json", *server]) == 0
    assert embedded(service) == 60
    summary = printed(capsys)
    assert [summary[name] for name in ("picture_count", "changed", "unchanged", "outdated")] == [103, 60, 43, 0]


def test_another_rate_that_is_broken_off_is_gone_on_with(
    server: list[str], service: FakeService, photos: Path, make_video: Callable[..., Path]
) -> None:
    for name in ("1.avi", "2.avi"):
        make_video(100, 10.0).rename(photos / name)
    assert embed(server, "--fps", "1") == 0
    service.embeds_left = 6
    assert embed(server, "--fps", "5") == 1
    index = read_index(Path("i.npz"))
    counts = Counter(entry.path.name for entry in index.entries)
    assert sorted({counts["1.avi"], counts["2.avi"]}) in ([10], [10, 50])
    service.embeds_left = None
    assert run(["embed", "--out", "i.npz", *server]) == 0
    counts = Counter(entry.path.name for entry in read_index(Path("i.npz")).entries)
    assert (counts["1.avi"], counts["2.avi"]) == (50, 50)


def test_a_changed_file_that_can_not_be_embedded_is_reported_and_kept(
    server: list[str], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embed(server)
    (photos / "red.png").write_bytes(b"junk")
    assert embed(server) == 1
    assert "photos/red.png: this is no image [UNSUPPORTED_FORMAT]; the vectors that the index has of it are kept" in (
        capsys.readouterr().err
    )
    assert len(read_index(Path("i.npz")).entries) == 3


def test_a_source_that_is_gone_is_kept_and_reported(
    server: list[str], photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paint(Path("more/grey.png"), (99, 99, 99))
    assert run(["embed", "photos", "more", "--out", "i.npz", *server]) == 0
    photos.rename("elsewhere")
    capsys.readouterr()
    assert run(["embed", "--out", "i.npz", "--json", *server]) == 1
    out, err = capsys.readouterr()
    assert "photos: none of its files in the index is there any more (3), as if it had been moved or unmounted" in err
    assert "drop them with --drop-missing" in err
    summary = json.loads(out)
    assert [summary[name] for name in ("picture_count", "vanished", "out_of_reach")] == [4, 0, 3]
    assert run(["embed", "--out", "i.npz", "--drop-missing", "--json", *server]) == 0
    summary = printed(capsys)
    assert [summary[name] for name in ("picture_count", "vanished", "out_of_reach")] == [1, 3, 0]


def test_files_that_can_not_be_reached_are_kept_and_reported(
    server: list[str], photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(server)
    file_state = missing_files.file_state

    def stale(path: Path) -> FileState | None:
        if path.name in {"red.png", "blue.png"}:
            raise OSError(116, "Stale file handle", str(path))
        return file_state(path)

    monkeypatch.setattr(missing_files, "file_state", stale)
    capsys.readouterr()
    assert run(["embed", "--out", "i.npz", *server]) == 1
    out, err = capsys.readouterr()
    assert err == "photos: Stale file handle (2 files); the vectors that the index has of them are kept\n"
    assert "1 unchanged, 2 out of reach" in out
    assert len(read_index(Path("i.npz")).entries) == 3


def test_a_pipe_is_reported_and_left_out(server: list[str], photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(photos / "pipe.jpg")
    assert embed(server) == 1
    assert capsys.readouterr().err == "photos/pipe.jpg: it is a pipe, a socket or a device: expected a regular file\n"
    assert len(read_index(Path("i.npz")).entries) == 3


def test_links_add_nothing(server: list[str], photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    embed(server)
    Path("link").symlink_to(photos)
    assert run(["embed", "link", "--out", "i.npz", "--json", *server]) == 0
    assert printed(capsys)["picture_count"] == 3


def test_a_picture_that_the_model_can_not_embed_is_left_out(
    server: list[str], service: FakeService, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.unembeddable = {(photos / "red.png").read_bytes()}
    assert embed(server) == 1
    assert capsys.readouterr().err == "photos/red.png: no finite numbers [INTERNAL]\n"
    assert len(read_index(Path("i.npz")).entries) == 2


def test_one_run_at_a_time(server: list[str], photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with lock_index(Path("i.npz")):
        assert embed(server) == 1
        assert (
            "error: i.npz is being written by another run of framewatch embed: start again" in capsys.readouterr().err
        )
        assert not Path("i.npz").exists()
    assert embed(server) == 0
    assert run(["search", "red", "--index", "i.npz", *server]) == 0


def test_models_are_not_mixed(
    server: list[str], service: FakeService, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    embed(server)
    service.models = [fake_model("other", "f" * 16), fake_model()]
    assert embed(server) == 0, "the index's model is taken, not the default"
    assert embed(server, "--model", "other") == 2
    assert "leave out --model" in capsys.readouterr().err
    service.models = service.models[:1]
    before = Path("i.npz").read_bytes()
    for command in (["embed", "photos", "--out"], ["search", "red", "--index"]):
        assert run([*command, "i.npz", *server]) == 1
        err = capsys.readouterr().err
        assert "i.npz holds vectors of the model fake (weights 0123456789abcdef), which is not loaded" in err
        assert "there is: other (weights ffffffffffffffff)" in err
    assert Path("i.npz").read_bytes() == before


def test_a_sheet_is_drawn(server: list[str], photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    embed(server)
    assert run(["search", "photos/red.png", "--index", "i.npz", "--sheet", "hits.html", *server]) == 0
    _, cells = read_page(Path("hits.html"))
    assert [cell.lines[-1] for cell in cells[:2]] == ["red.png", "red.png"]
    assert [cell.colour for cell in cells[:2]] == [[0, 0, 256]] * 2


@pytest.mark.parametrize(
    ("arguments", "expected", "match"),
    [
        (["embed", "photos"], 2, "--out"),
        (["embed", "--out", "i.npz"], 2, "there is no i.npz yet: give the pictures to embed"),
        (["embed", "photos", "--out", "i.txt"], 2, "ends in .npz (numpy) or .parquet"),
        (["embed", "photos", "--out", "none/i.npz"], 2, "there is no folder none"),
        (["embed", "photos", "--out", "junk.npz"], 2, "junk.npz is no index"),
        (["embed", "missing", "--out", "i.npz"], 1, "there is no missing"),
        (["embed", "clip.mp4", "--out", "i.npz"], 2, "clip.mp4 is video: give the number of frames"),
        (["embed", "photos", "--out", "i.npz", "--fps", "0"], 2, "--fps"),
        (["embed", "photos", "--out", "i.npz", "--model", "x"], 1, "no model 'x' is loaded; there is: fake"),
        (["search", "red"], 2, "--index"),
        (["search", "red", "--index", "i.npz"], 1, "there is no index i.npz: make it with framewatch embed"),
        (["search", "red.png", "--index", "junk.npz"], 2, "there is no picture red.png"),
        (["search", "red", "--index", "junk.npz", "--text", "--image"], 2, "one or the other"),
        (["search", "red", "--index", "junk.npz", "--sheet", "s.pdf"], 2, "s.pdf"),
        (["search", "red", "--index", "junk.npz", "--sheet", "photos"], 2, "photos"),
        (["search", "red", "--index", "junk.npz", "--top", "0"], 2, "--top"),
        (["search", "red", "--index", "junk.npz", "--min-score", "2"], 2, "--min-score"),
        (["models", "--server", "127.0.0.1:1"], 3, "no framewatch server answers"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_faults_are_reported_in_a_sentence(
    thread_address: str,
    photos: Path,
    arguments: list[str],
    expected: int,
    match: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FRAMEWATCH_SERVER", thread_address)
    Path("junk.npz").write_bytes(b"junk")
    Path("clip.mp4").write_bytes(b"junk")
    assert run(arguments) == expected
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert match in err


def test_models(server: list[str], service: FakeService, capsys: pytest.CaptureFixture[str]) -> None:
    service.models = [fake_model("org/large"), fake_model("demo", "f" * 16)]
    service.models[1].demo = True
    assert run(["models", *server]) == 0
    out, _ = capsys.readouterr()
    assert "org/large ★" in out
    assert "32×32" in out
    assert "softmax" in out
    assert "demo knows a few rendered scenes and nothing else" in out
    assert run(["models", "--json", *server]) == 0
    found = printed(capsys)["models"]
    assert [model["name"] for model in found] == ["org/large", "demo"]  # type: ignore[attr-defined]


WARNING = pb.Warning(reason="TEXT_TRUNCATED", message="the text is cut off", field="label_set.labels[0].name")
WARNING_LINE = "warning: the text is cut off (label_set.labels[0].name) [TEXT_TRUNCATED]\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["classify", "photos/red.png", "photos/blue.png", "--label", "a", "--label", "b"],
        ["watch", "photos", "--label", "a", "--label", "b"],
        ["search", "red", "--index", "i.npz"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_warnings_are_lines_on_standard_error(
    server: list[str], service: FakeService, photos: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    embed(server)
    service.warnings = [WARNING]
    capsys.readouterr()
    assert run([*arguments, *server]) == 0
    assert capsys.readouterr().err == WARNING_LINE
