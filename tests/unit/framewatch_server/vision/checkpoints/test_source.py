"""Sources of models, in the form that users write."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.checkpoints.source import ModelSource, SourceKind

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DEMO, NULL, FOLDER, HUB = SourceKind.DEMO, SourceKind.NULL, SourceKind.FOLDER, SourceKind.HUB


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with folders of models in it."""
    for name in ("shop", "owner/here", "a=b"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(
    ("text", "kind", "where", "name", "revision"),
    [
        pytest.param("demo", DEMO, "demo", "demo", None, id="demo"),
        pytest.param("null", NULL, "null", "null", None, id="null"),
        pytest.param("try=demo", DEMO, "demo", "try", None, id="demo with a name"),
        pytest.param("openai/clip", HUB, "openai/clip", "openai/clip", None, id="hub id"),
        pytest.param("a/b@v1.0", HUB, "a/b", "a/b", "v1.0", id="tag"),
        pytest.param("a/b@refs/pr/7", HUB, "a/b", "a/b", "refs/pr/7", id="pull request"),
        pytest.param(f"x=a/b_c.d@{COMMIT}", HUB, "a/b_c.d", "x", COMMIT, id="name and commit"),
        pytest.param("shop", FOLDER, "shop", "shop", None, id="folder that is there"),
        pytest.param("owner/here", FOLDER, "owner/here", "here", None, id="folder that looks like a hub id"),
        pytest.param("a=b", FOLDER, "a=b", "a=b", None, id="folder with an equals sign"),
        pytest.param("./none/x", FOLDER, "./none/x", "x", None, id="path that isn't there"),
        pytest.param("~/x", FOLDER, "~/x", "x", None, id="home"),
        pytest.param("my=/models/x", FOLDER, "/models/x", "my", None, id="path with a name"),
        pytest.param("./x@v1", FOLDER, "./x@v1", "x@v1", None, id="an @ in a path is a letter"),
    ],
)
def test_sources(text: str, kind: SourceKind, where: str, name: str, revision: str | None) -> None:
    assert ModelSource.parse(text) == ModelSource(kind, where, name, revision)


@pytest.mark.usefixtures("workplace")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "owner/name", id="empty"),
        pytest.param("clip", "owner/name", id="no owner"),
        pytest.param("a/b/c", "owner/name", id="three parts"),
        pytest.param("a/b c", "owner/name", id="a space"),
        pytest.param("a/..", "owner/name", id="dots"),
        pytest.param("a--b/c", "owner/name", id="the cache's own separator"),
        pytest.param("demo@v1", "owner/name", id="a revision of the demo"),
        pytest.param("a/b@", "no @", id="empty revision"),
        pytest.param("a/b@../../x", "no @", id="revision that leads elsewhere"),
        pytest.param("a/b@x y", "no @", id="revision with a space"),
        pytest.param("a/b@" + "x" * 256, "no @", id="long revision"),
        pytest.param("=demo", "a name is", id="empty name"),
        pytest.param("two words=demo", "a name is", id="name with a space"),
        pytest.param("x" * 97 + "=demo", "a name is", id="long name"),
    ],
)
def test_a_text_that_is_no_source_is_refused(text: str, words: str) -> None:
    with pytest.raises(ModelLoadError, match=words) as raised:
        ModelSource.parse(text)
    assert repr(text) in raised.value.message


@pytest.mark.parametrize(
    ("text", "is_pinned"),
    [(f"a/b@{COMMIT}", True), ("a/b", False), ("a/b@main", False), (f"a/b@{COMMIT[:12]}", False)],
    ids=["commit", "none", "branch", "short commit"],
)
def test_only_whole_commits_are_pinned(text: str, is_pinned: bool) -> None:
    source = ModelSource.parse(text)
    assert source.is_pinned is is_pinned
    assert str(source) == text
    assert source.pinned(COMMIT) == f"a/b@{COMMIT}"
