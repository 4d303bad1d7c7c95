"""Contact sheets: pictures with captions as one HTML page, which needs no other file and no network.

Thumbnails are part of the page, texts are escaped, and a content security policy keeps the browser from loading or
running anything else.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

import cv2
import numpy as np

from framewatch_cli.pictures.atomic import real_file, replacing_text
from framewatch_client import encode_jpeg
from framewatch_core.arrays import UInt8Array

SHEET_SUFFIX = ".html"
THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT = 320, 240
"""Limits of a thumbnail's size in pixels."""
THUMBNAIL_QUALITY = 85

_HEAD = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.35; }}
body {{ margin: 0 auto; max-width: 100rem; padding: 1rem; }}
h1 {{ font-size: 1.25rem; margin: 0 0 1rem; overflow-wrap: anywhere; }}
main {{ display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(clamp(9rem, 22vw, 15rem), 1fr)); }}
figure {{ margin: 0; min-width: 0; }}
img, .box {{ aspect-ratio: 4 / 3; background: #8883; border-radius: 4px; box-sizing: border-box; width: 100%; }}
img {{ display: block; object-fit: contain; }}
.box {{ align-items: center; display: flex; justify-content: center; margin: 0; overflow: auto; padding: 0.75rem; }}
.query img, .query .box {{ outline: 3px solid #1060b0; }}
figcaption {{ font-size: 0.875rem; margin-top: 0.25rem; }}
figcaption bdi {{ display: block; opacity: 0.75; overflow-wrap: anywhere; }}
figcaption bdi:first-child {{ font-variant-numeric: tabular-nums; font-weight: 600; opacity: 1; }}
</style>
</head>
<body>
<h1>{title}</h1>
<main>
"""
_END = "</main>\n</body>\n</html>\n"


@dataclass(frozen=True, slots=True)
class SheetCell:
    """A picture of a sheet, or a text in the place of one.

    Attributes:
        thumbnail: JPEG file; None: there is no picture to show.
        lines: the caption; the first line is emphasised.
        text: shown if there is no thumbnail.
        is_query: frame the cell, as the one that the others were found for.

    """

    thumbnail: bytes | None
    lines: tuple[str, ...]
    text: str = "unreadable"
    is_query: bool = False


def check_sheet(path: Path | None) -> None:
    """Raises ValueError unless the file ends in SHEET_SUFFIX; None: no sheet is to be written."""
    if path is not None and path.suffix.lower() != SHEET_SUFFIX:
        raise ValueError(f"the sheet {path}: expected a file that ends in {SHEET_SUFFIX}")


def write_sheet(path: Path, title: str, cells: Iterable[SheetCell]) -> None:
    """Writes a page with the cells in their order, as many in a row as fit. Raises OSError."""
    with replacing_text(real_file(path)) as file:
        file.write(_HEAD.format(title=escape(title)))
        for cell in cells:
            file.write(_figure(cell))
        file.write(_END)


def _figure(cell: SheetCell) -> str:
    lines = "".join(f"<bdi>{escape(line)}</bdi>" for line in cell.lines)
    kind = ' class="query"' if cell.is_query else ""
    return f"<figure{kind}>{_content(cell)}<figcaption>{lines}</figcaption></figure>\n"


def _content(cell: SheetCell) -> str:
    if cell.thumbnail is None:
        return f'<p class="box"><bdi>{escape(cell.text)}</bdi></p>'
    data = base64.b64encode(cell.thumbnail).decode()
    return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(cell.lines[-1])}">'


def thumbnail(pixels: UInt8Array) -> bytes:
    """Returns BGR pixels `[height, width, 3]` as a JPEG file within the limits of a thumbnail; never enlarged."""
    height, width = pixels.shape[:2]
    scale = min(THUMBNAIL_WIDTH / width, THUMBNAIL_HEIGHT / height)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return encode_jpeg(pixels, THUMBNAIL_QUALITY)


def read_thumbnail(path: Path) -> bytes | None:
    """Returns the thumbnail of a picture file; None: the file can't be read any more."""
    try:
        if not path.is_file():  # a pipe could be read without end
            return None
        pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), dtype=np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None
    return None if pixels is None else thumbnail(np.asarray(pixels, dtype=np.uint8))
