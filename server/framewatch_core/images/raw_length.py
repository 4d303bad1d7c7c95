"""Advice for raw pixels whose number of bytes doesn't fit their size and format."""

from __future__ import annotations

_FORMATS = {
    2: "GRAY8 (1 byte a pixel)",
    3: "NV12 or I420 (1½ bytes a pixel)",
    4: "YUYV or another with 2 bytes a pixel, which is not supported: convert it",
    6: "RGB24 or BGR24 (3 bytes a pixel)",
    8: "BGRA32 (4 bytes a pixel; convert RGBA to it)",
}
"""Formats by their bytes for two pixels."""

# Decoders of video give rows up to a multiple of 16, 32 or 64.
_MOST_HIDDEN_ROWS = 64


def advise(size: int, *, width: int, height: int, stride: int, plane_rows: int) -> str:
    """Returns what the bytes may be, and what to do.

    Args:
        size: number of the bytes.
        width: in pixels, as the sender gives it.
        height: likewise.
        stride: bytes from one row's start to the next's, likewise.
        plane_rows: rows of all planes together.

    """
    halves, rest = divmod(2 * size, width * height)
    if not rest and halves in _FORMATS:
        return f"so many has {_FORMATS[halves]}"
    if (rows := _decoded_rows(size, height, stride, plane_rows)) is not None:
        return (
            f"so many have {rows} rows, as decoders give them: send the planes of {height} rows, or the height {rows}"
        )
    if not size % plane_rows and size // plane_rows >= stride:
        return f"so many have rows of {size // plane_rows:,} bytes: set row_stride_bytes to that"
    return "send the pixels of this picture alone"


def _decoded_rows(size: int, height: int, stride: int, plane_rows: int) -> int | None:
    """Returns the height that the bytes are enough for, if that is a little more."""
    rows, rest = divmod(size * height, stride * plane_rows)
    return rows if not rest and height < rows < height + _MOST_HIDDEN_ROWS else None
