"""Reads the pages of contact sheets, as a browser does."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np


@dataclass
class PageCell:
    """A picture of a page, BGR; None: a text stands in its place."""

    is_query: bool
    picture: np.ndarray | None = None
    alt: str = ""
    text: str = ""
    lines: list[str] = field(default_factory=list)

    @property
    def colour(self) -> list[int]:
        """The mean colour, BGR, to the nearest 8: JPEG is not exact."""
        assert self.picture is not None
        return [round(float(value) / 8) * 8 for value in self.picture.mean(axis=(0, 1))]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.cells: list[PageCell] = []
        self.links: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [given[name] or "" for name in ("src", "href") if name in given]
        if tag == "figure":
            self.cells.append(PageCell(given.get("class") == "query"))
        elif tag == "img":
            data = (given["src"] or "").removeprefix("data:image/jpeg;base64,")
            cell = self.cells[-1]
            cell.picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
            cell.alt = given["alt"] or ""
        if tag not in {"img", "meta"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open[-1:] == ["h1"]:
            self.title = data
        elif "figcaption" in self._open:
            self.cells[-1].lines.append(data)
        elif "figure" in self._open:
            self.cells[-1].text = data


def read_page(path: Path) -> tuple[str, list[PageCell]]:
    """The title and the cells of a page, which must be whole and load nothing from elsewhere."""
    parser = _Parser()
    parser.feed(path.read_text(encoding="utf-8"))
    parser.close()
    assert parser._open == []
    assert all(link.startswith("data:image/jpeg;base64,") for link in parser.links)
    return parser.title, parser.cells
