"""Tables that can be read at the usual width, and lines of JSON."""

from __future__ import annotations

import json

import pytest

from framewatch_server.tables import Row, print_rows

FIGURES: Row = {"matched": "3/3", "false": 0, "suspended": 1, "resumed": 1}
MANY = [f"figure number {number} ms" for number in range(12)]


@pytest.mark.parametrize(
    ("rows", "headings", "tables"),
    [
        pytest.param([{"batch": 1, "ms": 2.5}, {"batch": 8, "ms": 1.25}], ["batch", "ms"], 1, id="lines that fit"),
        pytest.param([{"streams": 4} | dict.fromkeys(MANY, 1.5)], ["streams", "4"], 1, id="one long line, turned"),
        pytest.param(
            [{"streams": count} | dict.fromkeys(MANY, 1.5) for count in (1, 16, 256)],
            ["streams", "1", "16", "256"],
            1,
            id="three long lines, turned",
        ),
        pytest.param(
            [
                {"case": f"bottles: freeze while present {number}", "began off s": 0.125, "right": True} | FIGURES
                for number in range(20)
            ],
            ["case", "off", "s", "right", "matched", "false", "suspended", "resumed"],
            1,
            id="long names, broken between words",
        ),
        pytest.param(
            [{"streams": count} | dict.fromkeys(MANY, 1.5) for count in range(10, 25)],
            ["streams", "0", "ms", "1", "ms", "2", "ms", "3", "ms", "4", "ms", "5", "ms"],
            2,
            id="more than fit either way, in two tables",
        ),
    ],
)
def test_nothing_is_cut_off_at_80_columns(
    rows: list[Row],
    headings: list[str],
    tables: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_rows("a title", rows, as_json=False)
    title, *lines = capsys.readouterr().out.splitlines()
    assert title == "a title"
    assert headings in (line.replace("┃", " ").split() for line in lines)
    assert max(map(len, lines)) <= 80
    printed = "\n".join(lines)
    assert "…" not in printed
    assert all(word in printed for key in rows[0] for word in key.split())
    assert printed.count(next(iter(rows[0]))) == tables


def test_the_table_may_have_fewer_columns_than_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Row] = [{"streams": 1, "spread": 0.125}]
    print_rows("", rows, as_json=False, columns=["streams"])
    assert "spread" not in capsys.readouterr().out
    print_rows("", rows, as_json=True, columns=["streams"])
    assert json.loads(capsys.readouterr().out) == rows[0]
