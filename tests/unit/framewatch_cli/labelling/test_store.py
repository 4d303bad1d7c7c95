"""Stores of labelled pictures."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from framewatch_cli.labelling.folder_store import FolderStore
from framewatch_cli.labelling.scoring import ScoredPicture
from framewatch_cli.labelling.sorting import PictureResult, Sorting, decide
from framewatch_cli.labelling.store import sort_anew
from framewatch_cli.labelling.table_store import TableStore
from framewatch_cli.pictures.names import LeadsElsewhere
from framewatch_core.labels.scoring import LabelScore, ScoreKind

LABELS = ("a", "b")
STRICT, LOOSE = Sorting(min_score=0.9), Sorting(min_score=0.5)


def picture(name: str, probability: float, presence: float | None = None) -> PictureResult:
    scores = (
        LabelScore("a", probability, 0.0, presence),
        LabelScore("b", 1 - probability, 0.0, None if presence is None else 1 - presence),
    )
    return PictureResult(name, name, scores, "demo")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "out", LABELS, tmp_path)


def keep(store: FolderStore, one: PictureResult, sorting: Sorting) -> None:
    store.out.mkdir(exist_ok=True)
    store.keep(ScoredPicture(one, store.out / "of no use", one.name.encode()), decide(one, sorting))


def tree(store: FolderStore) -> list[str]:
    return sorted(str(path.relative_to(store.out)) for path in store.out.rglob("*.jpg"))


def test_pictures_find_their_places_anew_wherever_they_were(store: FolderStore) -> None:
    sure, unsure = picture("sure.jpg", 0.95, 0.1), picture("unsure.jpg", 0.7, 0.9)
    for one in (sure, unsure):
        keep(store, one, STRICT)
    assert tree(store) == ["train/a/sure.jpg", "uncertain/a/unsure.jpg"]
    sort_anew(store, [sure], Sorting(ScoreKind.PRESENCE))  # cut off after the first one
    assert tree(store) == ["train/b/sure.jpg", "uncertain/a/unsure.jpg"]
    sort_anew(store, [sure, unsure], LOOSE)
    assert tree(store) == ["train/a/sure.jpg", "train/a/unsure.jpg"]
    assert (store.out / "train/a/unsure.jpg").read_bytes() == b"unsure.jpg"


def test_what_a_person_took_away_stays_away(store: FolderStore) -> None:
    one = picture("one.jpg", 0.95)
    keep(store, one, STRICT)
    (store.out / "train/a/one.jpg").unlink()
    sort_anew(store, [one], Sorting(min_score=0.99))
    assert tree(store) == []


def test_a_picture_is_there_whole_or_not_at_all(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        with path.open("xb") as file:
            file.write(data[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    one = picture("one.jpg", 0.95)
    with monkeypatch.context() as patch:
        patch.setattr("framewatch_cli.labelling.folder_store.write_new", full)
        with pytest.raises(OSError, match="No space"):
            keep(store, one, STRICT)
    assert tree(store) == []
    assert not store.has(one)
    keep(store, one, STRICT)
    assert store.has(one)


def test_what_a_killed_run_left_half_written_goes(store: FolderStore, tmp_path: Path) -> None:
    left = [
        store.out / ".picture.0123abcd.framewatch.part",
        store.out / "train/.metadata.jsonl.0123abcd.framewatch.part",
    ]
    mine = store.out / "train/.notes.part"
    index = store.out / ".pictures.npz.0123abcd.framewatch.part"
    for path in (*left, mine, index):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    store.remove_parts()
    assert [path.exists() for path in (*left, mine)] == [False, False, True]
    assert index.exists(), "framewatch embed may be writing it now"
    others = tmp_path / ".b.csv.0123abcd.framewatch.part"
    own = tmp_path / ".[a].csv.0123abcd.framewatch.part"
    for path in (own, others):
        path.write_bytes(b"")
    TableStore(tmp_path / "[a].csv", LABELS, tmp_path, "").remove_parts()
    assert [path.exists() for path in (own, others)] == [False, True], "another run may be writing its own table"


def test_hard_links_that_can_not_be_made_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def elsewhere(self: Path, target: Path) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", elsewhere)
    store = FolderStore(tmp_path / "out", LABELS, tmp_path, link="hard")
    with pytest.raises(OSError, match="give --link symbolic, or leave --link out"):
        keep(store, picture("one.jpg", 0.95), STRICT)


def test_an_empty_class_has_no_folder(store: FolderStore) -> None:
    one = picture("one.jpg", 0.95)
    keep(store, one, STRICT)
    strictest = Sorting(min_score=0.99)
    sort_anew(store, [one], strictest)
    with store.tables(strictest) as write:
        write(one, decide(one, strictest))
    assert not (store.out / "train").exists()
    assert (store.out / "uncertain/a/one.jpg").exists()


@pytest.mark.parametrize("metadata", [False, True])
def test_names_that_are_no_text_have_rows_too(tmp_path: Path, metadata: bool) -> None:
    store = FolderStore(tmp_path / "out", LABELS, tmp_path, metadata=metadata)
    one = picture("one\udcff.jpg", 0.95)
    store.out.mkdir()
    store.keep(ScoredPicture(one, tmp_path / "of no use", b"content"), decide(one, STRICT))
    with store.tables(STRICT) as write:
        write(one, decide(one, STRICT))
    tables = [store.out / "pictures.jsonl", *([store.out / "train/metadata.jsonl"] if metadata else [])]
    assert all("one\\udcff.jpg" in table.read_text() for table in tables)


@pytest.mark.parametrize(
    ("name", "foreign"),
    [
        ("", False),
        ("mine.txt", True),
        (".framewatch-label.jsonl", False),
        (".framewatch-label.lock", False),
        ("..framewatch-label.jsonl.0123abcd.framewatch.part", False),
    ],
    ids=["empty", "foreign", "own", "own lock", "own new log"],
)
def test_what_is_foreign(store: FolderStore, name: str, foreign: bool) -> None:
    assert not store.is_foreign, "there is nothing yet"
    store.out.mkdir()
    if name:
        (store.out / name).write_text("")
    assert store.is_foreign is foreign


FOLDERS = ["train", "train/a", "uncertain", "uncertain/a"]


@pytest.mark.parametrize("linked", FOLDERS)
def test_nothing_is_written_moved_or_removed_behind_a_link(store: FolderStore, tmp_path: Path, linked: str) -> None:
    sure, unsure = picture("sure.jpg", 0.95), picture("unsure.jpg", 0.7)
    elsewhere = tmp_path / "elsewhere"
    for one in (sure, unsure):
        for folder in ("", "a"):
            (elsewhere / folder).mkdir(parents=True, exist_ok=True)
            (elsewhere / folder / one.name).write_bytes(b"not ours")
    before = sorted(elsewhere.rglob("*"))
    (store.out / linked).parent.mkdir(parents=True)
    (store.out / linked).symlink_to(elsewhere)
    one, other = (sure, Sorting(min_score=0.99)) if linked.startswith("train") else (unsure, LOOSE)
    for act in (
        lambda: keep(store, one, STRICT),
        lambda: sort_anew(store, [one], other),
        lambda: store.clear([one], LABELS),
    ):
        with pytest.raises(LeadsElsewhere, match=r"leads out of .*: nothing is written, moved or removed there"):
            act()
    assert sorted(elsewhere.rglob("*")) == before
    assert all(path.read_bytes() == b"not ours" for path in before if path.is_file())


def test_tables_of_many_pictures_follow_no_link_for_each(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes longer than the line that is written: a million pictures would take minutes more."""
    store.out.mkdir()
    followed: list[str] = []
    realpath = os.path.realpath
    monkeypatch.setattr(os.path, "realpath", lambda path: followed.append(str(path)) or realpath(path))
    with store.tables(LOOSE) as write:
        for i in range(100):
            one = picture(f"{i}.jpg", 0.95)
            write(one, decide(one, LOOSE))
    assert len((store.out / "pictures.jsonl").read_text().splitlines()) == 100
    assert len(followed) < 50


def test_nothing_is_removed_if_one_of_the_places_leads_elsewhere(store: FolderStore, tmp_path: Path) -> None:
    one, other = picture("one.jpg", 0.95), picture("other.jpg", 0.05)
    keep(store, one, STRICT)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/other.jpg").write_bytes(b"not ours")
    (store.out / "train/b").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LeadsElsewhere):
        store.clear([one, other], LABELS)
    assert (store.out / "train/a/one.jpg").exists()
    assert (tmp_path / "elsewhere/other.jpg").exists()


def test_a_link_in_the_place_of_a_picture_is_replaced_itself(store: FolderStore, tmp_path: Path) -> None:
    mine = tmp_path / "mine.jpg"
    mine.write_bytes(b"mine")
    (store.out / "train/a").mkdir(parents=True)
    (store.out / "train/a/one.jpg").symlink_to(mine)
    keep(store, picture("one.jpg", 0.95), STRICT)
    assert mine.read_bytes() == b"mine"
    assert (store.out / "train/a/one.jpg").read_bytes() == b"one.jpg"


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    store = FolderStore(tmp_path / "out", LABELS, tmp_path)
    keep(store, picture("one.jpg", 0.95), STRICT)
    assert (tmp_path / "real/train/a/one.jpg").exists()
