"""Tables that can be read at the usual width, and lines of JSON."""

from __future__ import annotations

import json

import pytest

from framewatch_server.tables import Row, print_rows

MANY = [f"figure number {number} ms" for number in range(12)]


@pytest.mark.parametrize(
    ("rows", "first_line"),
    [
        pytest.param([{"batch": 1, "ms": 2.5}, {"batch": 8, "ms": 1.25}], ["batch", "ms"], id="lines that fit"),
        pytest.param([{"streams": 4} | dict.fromkeys(MANY, 1.5)], ["streams", "4"], id="one long line, turned"),
        pytest.param(
            [{"streams": count} | dict.fromkeys(MANY, 1.5) for count in (1, 16, 256)],
            ["streams", "1", "16", "256"],
            id="three long lines, turned",
        ),
        pytest.param(
            [{"streams": count} | dict.fromkeys(MANY, 1.5) for count in range(10, 25)],
            ["streams", *map(str, range(10, 18))],
            id="more than fit either way",
        ),
    ],
)
def test_nothing_is_cut_off_at_80_columns(
    rows: list[Row], first_line: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_rows("a title", rows, as_json=False)
    title, _, headings, *others = capsys.readouterr().out.splitlines()
    assert title == "a title"
    assert headings.replace("┃", " ").split() == first_line
    assert max(map(len, others)) <= 80
    printed = "\n".join([headings, *others])
    assert "…" not in printed
    assert all(key in printed for key in rows[0])


def test_the_table_may_have_fewer_columns_than_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Row] = [{"streams": 1, "spread": 0.125}]
    print_rows("", rows, as_json=False, columns=["streams"])
    assert "spread" not in capsys.readouterr().out
    print_rows("", rows, as_json=True, columns=["streams"])
    assert json.loads(capsys.readouterr().out) == rows[0]
