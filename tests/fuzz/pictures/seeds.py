"""Small files of all kinds, files that once broke something, and files that the long run found.

Those with a digest in their names were found: one for each way to be refused or decoded.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.unit.framewatch_core.images.headers import files

CORPUS = Path(__file__).parent / "corpus"


def corpus() -> list[bytes]:
    """Returns the files that are kept, in the order of their names."""
    return [path.read_bytes() for path in sorted(CORPUS.iterdir())]


def write(folder: Path = CORPUS) -> None:
    """Writes the files of all kinds; `python -m tests.fuzz.pictures.seeds` does it anew."""
    folder.mkdir(exist_ok=True)
    for name, data in _files().items():
        (folder / name).write_bytes(data)


def _files() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    rgb = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    alpha = rgb.copy()
    alpha.putalpha(rgb.convert("L"))
    exif = Image.Exif()
    exif[0x0112] = 6
    others: dict[str, Any] = {"append_images": [rgb.rotate(180)], "save_all": True}
    return {
        "baseline.jpg": _saved(rgb, "JPEG"),
        "baseline-420-restarts.jpg": _saved(rgb.resize((33, 18)), "JPEG", restart_marker_blocks=1),
        "grey.jpg": _saved(rgb.convert("L"), "JPEG"),
        "progressive.jpg": _saved(rgb, "JPEG", progressive=True),
        "cmyk.jpg": _saved(rgb.convert("CMYK"), "JPEG"),
        "turned.jpg": _saved(rgb, "JPEG", exif=exif, comment=b"a comment"),
        "many-pictures.mpo": _saved(rgb, "MPO", **others),
        "rgb.png": _saved(rgb, "PNG"),
        "alpha.png": _saved(alpha, "PNG"),
        "palette.png": _saved(rgb.quantize(8), "PNG"),
        "palette-transparent.png": _saved(rgb.quantize(8), "PNG", transparency=3),
        "bits.png": _saved(rgb.convert("1"), "PNG"),
        "transparent.png": _saved(rgb, "PNG", transparency=rgb.getpixel((3, 3))),
        "animated.png": _saved(rgb, "PNG", **others),
        "hidden-default.png": _saved(rgb, "PNG", default_image=True, **others),
        "turned.png": _saved(rgb, "PNG", exif=exif),
        "lossy.webp": _saved(rgb, "WEBP"),
        "lossless.webp": _saved(rgb, "WEBP", lossless=True),
        "alpha.webp": _saved(alpha, "WEBP"),
        "turned.webp": _saved(rgb, "WEBP", exif=exif),
        "animated.webp": _saved(rgb, "WEBP", **others),
        **_refused(_saved(rgb, "JPEG")),
    }


def _refused(jpeg: bytes) -> dict[str, bytes]:
    """Returns files whose header and decoded size used to differ, and others that kept decoders busy."""
    at = jpeg.index(b"\xff\xc0")
    hidden = b"\xff\x00" + (len(jpeg) - at + 2).to_bytes(2, "big") + jpeg[at:]
    return {
        "refused-stuffing.jpg": jpeg[:at] + hidden + files.jpeg(files.frame(64, 64), files.scan(1))[2:],
        "refused-two-frames.jpg": jpeg[:at] + files.frame(64, 64) + jpeg[at:],
        "refused-scans.jpg": files.jpeg(files.frame(marker=0xC2), *[files.scan(1, pixels=b"")] * 101),
        "refused-two-headers.png": files.png(files.ihdr(), files.ihdr(64, 64), files.idat()),
        "refused-long-chunk.png": files.png(files.ihdr(), files.chunk(b"tEXt", b"a", length=0xFFFFFFFF), files.idat()),
        "refused-canvas.webp": files.webp(files.canvas(8, 8), files.lossy(64, 64)),
        "refused-frame.webp": files.webp(files.canvas(8, 8, 2), files.animation_frame(8, 8, files.lossy(64, 64))),
    }


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


if __name__ == "__main__":
    write()
