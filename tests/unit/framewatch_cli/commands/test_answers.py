"""Tables of single calls."""

from __future__ import annotations

import pytest

from framewatch_cli.commands.answers import score_table, similarity_table
from framewatch_client import LabelScore
from tests.unit.framewatch_cli.watching.items import shown


@pytest.mark.parametrize("width", [100, 40])
def test_tables(width: int) -> None:
    scores = score_table([LabelScore("[b]box[/b]", 0.75, 0.3), LabelScore("belt", 0.25, 0.2)], title="a.png")
    text = shown(scores, width)
    assert "0.7500" in text
    assert "[b]box[/b]" in text
    assert "0.3000" in text
    text = shown(similarity_table(["b.png", "c.png"], [0.5, 0.9], query="a.png", footer="demo"), width)
    assert "c.png ★" in text
    assert "b.png ★" not in text


def test_one_candidate_is_not_called_the_best() -> None:
    assert "★" not in shown(similarity_table(["b.png"], [0.5], query="a.png"))
