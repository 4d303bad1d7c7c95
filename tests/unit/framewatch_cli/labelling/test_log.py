"""The log that a run continues from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from framewatch_cli.labelling.log import LabelLog, LabelLogError, LogHeader, read_header, read_pictures
from framewatch_cli.labelling.sorting import PictureResult, Sorting
from framewatch_cli.pictures.model import UsedModel
from framewatch_core.labels.scoring import LabelScore, ScoreKind

HEADER = LogHeader({"source": "pictures", "labels": ["a", "b"]}, Sorting(ScoreKind.PRESENCE, 0.7, 0.2, 0.1))
SCORES = (LabelScore("a", 0.75, 0.25, 0.5), LabelScore("b", 0.25, -0.1))
FILE = PictureResult("x/\udc80.jpg", "x.jpg", SCORES, "demo", 0.25)
FRAME = PictureResult("frame 0", "v-0.jpg", SCORES, "demo", 0.0, 0, 0.0)
SKIPPED = PictureResult("frame 5", "v-5.jpg", draw=0.5, frame_id=5, time_s=1.5, skipped=True)
FAILED = PictureResult("bad.jpg", "bad.jpg", error="broken")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def write(path: Path, *pictures: PictureResult) -> None:
    with LabelLog(path, HEADER) as log:
        for picture in pictures:
            log.add(picture)


def test_pictures_come_back_as_they_were(path: Path) -> None:
    write(path, FILE, FRAME, SKIPPED, FAILED)
    assert list(read_pictures(path)) == [FILE, FRAME, SKIPPED, FAILED]
    assert read_header(path) == HEADER


def test_a_later_run_knows_what_is_done_and_tries_failed_ones_again(path: Path) -> None:
    write(path, FILE, FAILED, FRAME, SKIPPED)
    with LabelLog(path, HEADER) as log:
        assert log.done == {FILE.item, FRAME.item, SKIPPED.item}
        assert (log.used_model, log.last_frame_id) == (UsedModel("demo", ""), 0)
        assert list(log.pictures()) == [FILE, FRAME, SKIPPED]


@pytest.mark.parametrize("cut", [1, 10, 60])
def test_a_torn_last_line_is_dropped(path: Path, cut: int) -> None:
    write(path, FILE, FRAME)
    path.write_bytes(path.read_bytes()[:-cut])
    assert list(read_pictures(path)) == [FILE]
    with LabelLog(path, HEADER) as log:
        log.add(SKIPPED)
    assert list(read_pictures(path)) == [FILE, SKIPPED]


def test_the_last_picture_is_done_again_if_it_was_not_kept(path: Path) -> None:
    write(path, FILE, FRAME)
    with LabelLog(path, HEADER, lambda picture: picture != FRAME) as log:
        assert log.done == {FILE.item}
        assert list(log.pictures()) == [FILE]


@pytest.mark.parametrize(
    ("pictures", "count"),
    [
        pytest.param([FRAME], 9, id="to its end"),
        pytest.param([FRAME, FAILED], None, id="a frame failed"),
        pytest.param([FAILED, FRAME], None, id="an earlier one failed"),
    ],
)
def test_a_video_that_was_labelled_to_its_end_is_known(
    path: Path, pictures: list[PictureResult], count: int | None
) -> None:
    with LabelLog(path, HEADER) as log:
        for picture in pictures:
            log.add(picture)
        log.finish(9)
    for _ in range(2):
        with LabelLog(path, HEADER) as log:
            assert log.finished_count == count


def test_an_empty_log_does_not_stay(path: Path) -> None:
    write(path)
    assert not path.exists()


def test_other_thresholds_go_on_with_the_same_scores(path: Path) -> None:
    write(path, FILE)
    with LabelLog(path, LogHeader(HEADER.inputs, Sorting())) as log:
        assert log.done == {FILE.item}
    assert read_header(path).sorting == Sorting()


def test_weights_are_kept_with_the_pictures_that_they_scored(path: Path) -> None:
    with LabelLog(path, HEADER) as log:
        log.note_weights("cafe")
        assert log.used_model is None, "no picture yet"
        log.add(FILE)
        assert log.used_model == UsedModel("demo", "cafe")
    with LabelLog(path, HEADER) as log:
        assert log.used_model == UsedModel("demo", "cafe")
        log.add(FAILED)
    write(path)
    assert read_header(path).weights_digest == "cafe"
    assert list(read_pictures(path)) == [FILE]


def test_weights_of_pictures_that_all_failed_bind_no_later_run(path: Path) -> None:
    with LabelLog(path, HEADER) as log:
        log.note_weights("cafe")
        log.add(FAILED)
    with LabelLog(path, HEADER) as log:
        assert log.used_model is None
        log.note_weights("beef")
        log.add(FILE)
    assert read_header(path).weights_digest == "beef"


def test_a_log_without_weights_is_gone_on_with(path: Path) -> None:
    write(path, FILE, FRAME)
    lines = path.read_text().splitlines(keepends=True)
    header = json.loads(lines[0])
    del header["weights_digest"]
    path.write_text("".join([json.dumps(header) + "\n", *lines[1:]]))
    with LabelLog(path, HEADER) as log:
        log.note_weights("cafe")
        log.add(SKIPPED)
    assert read_header(path).weights_digest == "cafe"
    assert list(read_pictures(path)) == [FILE, FRAME, SKIPPED]


def test_other_inputs_are_refused(path: Path) -> None:
    write(path, FILE)
    with pytest.raises(LabelLogError, match=r'labels was \["a", "b"\] and is \["a"\].*fps was null and is 2') as caught:
        LabelLog(path, LogHeader({"source": "pictures", "labels": ["a"], "fps": 2}, Sorting()))
    assert "--restart" in str(caught.value)
    assert "source" not in str(caught.value)
    assert list(read_pictures(path)) == [FILE], "nothing is lost"


@pytest.mark.parametrize(
    "first_line", ["", "junk\n", '{"inputs": {}}\n', '{"inputs": {}, "sorting": {"score": "NONE"}}\n', "[]\n"]
)
def test_what_is_no_log_is_refused(path: Path, first_line: str) -> None:
    path.write_text(first_line)
    with pytest.raises(LabelLogError, match=r"is no log.*another --out"):
        LabelLog(path, HEADER)


@pytest.mark.parametrize(
    "line",
    [
        "junk",
        "[]",
        "{}",
        json.dumps({"item": "x", "name": "x", "colour": "red"}),
        '{"item":"x","name":"x","scores":{"a":[]}}',
    ],
)
def test_a_broken_line_in_the_middle_is_refused(path: Path, line: str) -> None:
    write(path, FILE)
    path.write_text(path.read_text() + line + "\n" + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(LabelLogError, match=r"line 3: this is no picture's line"):
        LabelLog(path, HEADER)


BAD_NAMES = {
    "absolute": "/etc/passwd",
    "up": "../../mine.jpg",
    "the folder above": "..",
    "the folder itself": ".",
    "two components": "a/b.jpg",
    "empty": "",
    "zero byte": "a\0b.jpg",
    "overlong": "x" * 256,
    "number": 3,
    "missing": None,
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_a_name_that_is_no_single_component_is_refused(path: Path, name: object) -> None:
    write(path, FILE)
    header, line = path.read_text().splitlines()
    data = json.loads(line) | {"name": name}
    path.write_text(f"{header}\n{json.dumps(data)}\n")
    with pytest.raises(LabelLogError, match=r"line 2: this is no picture's line \(.*no name of a file"):
        list(read_pictures(path))
    with pytest.raises(LabelLogError):
        LabelLog(path, HEADER)
    assert len(path.read_text().splitlines()) == 2, "it stays as it was"


@pytest.mark.parametrize("item", ["/etc/passwd", "../up.jpg", "a/../../up.jpg", "", "a\0b", 7, None])
def test_an_item_that_leads_out_of_the_source_is_refused(path: Path, item: object) -> None:
    write(path, FILE)
    header, line = path.read_text().splitlines()
    path.write_text(f"{header}\n{json.dumps(json.loads(line) | {'item': item})}\n")
    with pytest.raises(LabelLogError, match=r"line 2: .*no path"):
        list(read_pictures(path))


@pytest.mark.parametrize(
    "change",
    [
        {"scores": {"a": [0.5, 0.5, None]}},
        {"scores": {"a": [0.5, 0.5, None], "../b": [0.5, 0.5, None]}},
        {"scores": {"a": ["x", 0.5, None], "b": [0.5, 0.5, None]}},
        {"scores": {"a": [0.5], "b": [0.5, 0.5, None]}},
        {"scores": [1]},
        {"model": 5},
        {"error": []},
        {"surprise": 1},
        {"frame_id": "7"},
        {"frame_id": 7.5},
        {"time_s": "now"},
        {"draw": None},
        {"draw": [1]},
    ],
    ids=str,
)
def test_a_line_of_another_kind_is_refused(path: Path, change: dict[str, object]) -> None:
    write(path, FILE)
    header, line = path.read_text().splitlines()
    path.write_text(f"{header}\n{json.dumps(json.loads(line) | change)}\n")
    with pytest.raises(LabelLogError, match="line 2"):
        list(read_pictures(path))
