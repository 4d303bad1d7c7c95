"""The licence that a model card names."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_server.models.card import UNKNOWN, licence


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        pytest.param("---\nlicense: mit\n---\n# x", "mit", id="named"),
        pytest.param("---\nlicense: other\nlicense_name: apple-amlr\n---\n", "apple-amlr", id="one of its own"),
        pytest.param("---\nlicense: other\n---\n", "other", id="another, without a name"),
        pytest.param("---\nlicense: [mit, cc-by-4.0]\n---\n", "mit, cc-by-4.0", id="several"),
        pytest.param("# x", UNKNOWN, id="no metadata"),
        pytest.param("---\n---\n", UNKNOWN, id="empty metadata"),
        pytest.param("---\n[\n---\n", UNKNOWN, id="no YAML"),
        pytest.param(None, UNKNOWN, id="no card"),
    ],
)
def test_licences(tmp_path: Path, card: str | None, expected: str) -> None:
    if card is not None:
        (tmp_path / "README.md").write_text(card)
    assert licence(tmp_path) == expected
