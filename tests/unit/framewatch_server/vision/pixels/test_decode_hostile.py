"""Hostile files: refused before anything native reads them, or decoded to the size that was checked."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from PIL import Image

from framewatch_core.errors import ImageTooLarge, UndecodableImage, UnsupportedFormat
from framewatch_core.images.header import read_header
from framewatch_core.images.image import EncodedImage, PixelFormat, RawImage
from framewatch_server.vision.pixels import decode as decode_module
from framewatch_server.vision.pixels.decode import DecodeLimits, decode
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.pixels.view import WHOLE, prepare_view
from tests.paths import SHARED_DATA
from tests.unit.framewatch_core.images.headers.files import chunk, idat, ihdr, png, segment
from tests.unit.framewatch_server.vision.pixels.test_decode import rotated, saved, smooth

LIMITS = DecodeLimits()
RGB = Image.fromarray(smooth())
CMYK = RGB.convert("CMYK")


def with_segment(jpeg: bytes, added: bytes) -> bytes:
    """The file with bytes behind its start marker."""
    return jpeg[:2] + added + jpeg[2:]


def exif(orientation: int, *entries: bytes) -> bytes:
    """An EXIF segment with the orientation and further entries, their offsets beyond the end."""
    all_entries = (struct.pack("<HHLHxx", 0x0112, 3, 1, orientation), *entries)
    return segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(all_entries)) + b"".join(all_entries))


def test_a_frame_that_is_hidden_behind_stuffing_is_refused() -> None:
    small = saved(RGB.resize((8, 8)), "JPEG")
    large = saved(RGB.resize((4000, 4000)), "JPEG")[2:]
    at = small.index(b"\xff\xc0")
    hidden = small[:at] + b"\xff\x00" + struct.pack(">H", len(small) - at + 2) + small[at:] + large
    with pytest.raises(UndecodableImage):
        decode(EncodedImage(hidden), LIMITS)


def test_fill_bytes_between_segments_are_read() -> None:
    data = saved(RGB, "JPEG")
    filled = data.replace(b"\xff\xdb", b"\xff" * 100 + b"\xdb").replace(b"\xff\xda", b"\xff\xff\xda")
    np.testing.assert_array_equal(decode(EncodedImage(filled), LIMITS), decode(EncodedImage(data), LIMITS))


HOSTILE_EXIF = {
    "a rational without a denominator": struct.pack("<HHLL", 0x011A, 5, 1, 0xFFFFFFF0),
    "a type that doesn't exist": struct.pack("<HHLL", 0x011A, 99, 1, 7),
    "4 billion values": struct.pack("<HHLL", 0x8769, 4, 0xFFFFFFFF, 7),
    "a text as a resolution": struct.pack("<HHLL", 0x011A, 2, 4, 0x41414141),
    "text as a directory": struct.pack("<HHLL", 0x8769, 2, 4, 0x41414141),
}


@pytest.mark.parametrize("entry", HOSTILE_EXIF.values(), ids=HOSTILE_EXIF)
@pytest.mark.parametrize("picture", [CMYK, RGB], ids=["CMYK", "RGB"])
def test_metadata_that_raise_in_pillow_cost_nothing(picture: Image.Image, entry: bytes) -> None:
    plain = decode(EncodedImage(saved(picture, "JPEG")), LIMITS)
    turned = with_segment(saved(picture, "JPEG"), exif(3, entry))
    np.testing.assert_array_equal(decode(EncodedImage(turned), LIMITS), plain[::-1, ::-1])


@pytest.mark.parametrize("kind", ["tRNS", "plain"])
def test_hostile_chunks_of_a_png_reach_no_decoder(kind: str) -> None:
    transparent = [chunk(b"tRNS", b"\0\0\0\0\0\1")] if kind == "tRNS" else []
    added = [chunk(b"eXIf", b"II*\0junk"), chunk(b"zTXt", b"a\0\0junk"), chunk(b"iCCP", b"junk"), chunk(b"acTL", b"x")]
    data = png(ihdr(), *added, *transparent, idat(), chunk(b"iCCP", b"junk"))
    assert decode(EncodedImage(data), LIMITS).shape == (8, 8, 3)


def test_pixels_behind_the_last_row_of_a_png_are_not_inflated() -> None:
    packed = zlib.compressobj(9)
    rows = b"".join([packed.compress(b"\0" * (1 << 20)) for _ in range(64)]) + packed.flush()
    half = len(rows) // 2
    data = png(ihdr(), chunk(b"IDAT", rows[:half]), chunk(b"IDAT", rows[half:-9] + b"damaged!!"))
    # whoever reads to the end finds the damage
    assert decode(EncodedImage(data), LIMITS).shape == (8, 8, 3)


@pytest.mark.parametrize("size", [(1, 65_536), (65_536, 1)], ids=str)
def test_a_picture_that_is_all_length_is_too_large(size: tuple[int, int]) -> None:
    raw = RawImage(b"x" * 65_536, *size, PixelFormat.GRAY8)
    for image in (EncodedImage(png(ihdr(*size), idat(*size))), raw):
        with pytest.raises(ImageTooLarge) as caught:
            decode(image, LIMITS)
        assert caught.value.metadata["limit"] == "max_image_side"


@pytest.mark.parametrize("size", [(1, 65_535), (65_535, 1)], ids=str)
@pytest.mark.parametrize(
    "spec",
    [
        PreprocessSpec(96, (96, 96), 3, (0.0,) * 3, (1.0,) * 3),
        PreprocessSpec((96, 96), None, 3, (0.0,) * 3, (1.0,) * 3),
    ],
    ids=["cropped", "squashed"],
)
def test_the_longest_pictures_are_prepared(size: tuple[int, int], spec: PreprocessSpec) -> None:
    image = EncodedImage(png(ihdr(*size), idat(*size)))
    for reduced in (False, True):
        assert prepare_view(image, WHOLE, spec, LIMITS, reduced=reduced).inputs.shape == (1, 3, 96, 96)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_pixels_of_another_size_than_the_header_are_refused(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(cv2, "imdecode", lambda *_: np.zeros((48, 65, 3), np.uint8))
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda *_, **__: np.zeros((48, 65, 3), np.uint8))
    with pytest.raises(UndecodableImage, match="64×48"):
        decode(EncodedImage(saved(RGB, kind)), LIMITS)


def test_errors_of_opencv_are_those_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise opencv_error(cv2.Error.StsError)

    monkeypatch.setattr(cv2, "imdecode", fail)
    with pytest.raises(UndecodableImage) as caught:
        decode(EncodedImage(saved(RGB, "WEBP")), LIMITS)
    assert "secret" not in caught.value.message


def test_running_out_of_memory_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise opencv_error(cv2.Error.StsNoMem)

    monkeypatch.setattr(cv2, "imdecode", fail)
    with pytest.raises(MemoryError):
        decode(EncodedImage(saved(RGB, "WEBP")), LIMITS)


def opencv_error(code: int) -> cv2.error:
    error = cv2.error("secret path")
    error.code = code
    return error


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "bytes of a scan": lambda data: data[: len(data) // 2] + b"\x11\x01\xa3\x00damage" + data[len(data) // 2 + 10 :],
    "half of a scan is missing": lambda data: data[: len(data) // 2] + data[-2:],
    "bytes behind the last block": lambda data: data[:-2] + b"rest" * 50 + data[-2:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_scan_shows_what_is_left_and_prints_nothing(damage: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = DAMAGES[damage](saved(Image.fromarray(smooth(320, 240)), "JPEG"))
    assert decode(EncodedImage(data), LIMITS).shape == (240, 320, 3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
@pytest.mark.parametrize("factors", [0x411111, 0x221111, 0x211111, 0x121111, 0x111111], ids=hex)
def test_the_pixels_are_those_of_opencv(factors: int, reduction: int) -> None:
    options = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, factors]
    data = cv2.imencode(".jpg", smooth(641, 479), options)[1].tobytes()
    min_size = (641 // reduction, 479 // reduction) if reduction > 1 else None
    flags = {1: cv2.IMREAD_COLOR, 2: 16 | 1, 4: 32 | 1, 8: 64 | 1}
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), flags[reduction])[:, :, ::-1]
    np.testing.assert_array_equal(decode(EncodedImage(data), LIMITS, min_size), expected)


def test_odd_sampling_factors_are_decoded_as_the_reference_does() -> None:
    data = bytearray(saved(RGB, "JPEG", subsampling=0))
    data[data.index(b"\xff\xc0") + 11] = 0x31  # three times as much luma as chroma: its scan ends early
    expected = np.asarray(Image.open(io.BytesIO(bytes(data))))
    np.testing.assert_array_equal(decode(EncodedImage(bytes(data)), LIMITS), expected)


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 3)], ids=str)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_smallest_pictures_are_decoded(kind: str, size: tuple[int, int]) -> None:
    picture = Image.new("RGB", size, (200, 100, 50))
    for options in ({}, {"lossless": True}) if kind == "WEBP" else ({},):
        pixels = decode(EncodedImage(saved(picture, kind, **options)), LIMITS)
        assert pixels.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("min_size", [(40, 10), (10, 40)], ids=str)
def test_a_reduced_picture_is_large_enough_after_it_was_turned(orientation: int, min_size: tuple[int, int]) -> None:
    data = saved(Image.fromarray(smooth(160, 80)), "JPEG", exif=rotated(orientation))
    height, width, _ = decode(EncodedImage(data), LIMITS, min_size).shape
    assert width >= min_size[0]
    assert height >= min_size[1]
    assert {width, height} in ({160, 80}, {80, 40}, {40, 20})
    assert (width > height) == (orientation < 5)


def hostile(name: str) -> bytes:
    path = SHARED_DATA / "hostile" / name
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("attack_jpeg_desync.jpg", UndecodableImage),
        ("attack_jpeg_scans.jpg", UnsupportedFormat),
        ("attack_png_chunk.png", UndecodableImage),
    ],
)
def test_attacks_are_refused_by_their_headers(
    monkeypatch: pytest.MonkeyPatch, name: str, error: type[Exception]
) -> None:
    monkeypatch.setattr(decode_module, "_decode_file", None)
    with pytest.raises(error):
        decode(EncodedImage(hostile(name)), LIMITS)


@pytest.mark.parametrize(
    "name", ["attack_exif_typeerror_a.jpg", "attack_exif_typeerror_b.jpg", "attack_png_iccp_after.png"]
)
def test_attacks_on_metadata_are_pictures(name: str) -> None:
    data = hostile(name)
    height, width, _ = decode(EncodedImage(data), LIMITS).shape
    assert (width, height) == read_header(data).upright_size


MEASURE = """
import resource, sys
from pathlib import Path
from framewatch_core.images.image import EncodedImage
from framewatch_core.images.regions import Region
from framewatch_server.vision.pixels.decode import DecodeLimits
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.pixels.view import View, prepare_view

spec = PreprocessSpec(96, (96, 96), 3, (0.0,) * 3, (1.0,) * 3)
prepare_view(EncodedImage(Path(sys.argv[1]).read_bytes()), View(), spec, DecodeLimits())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
regions = tuple(Region(f"{i}", 0.001 * i, 0, 0.93, 1) for i in range(int(sys.argv[3])))
prepare_view(EncodedImage(Path(sys.argv[2]).read_bytes()), View(regions), spec, DecodeLimits())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_sixty_four_regions_cost_as_much_memory_as_one(tmp_path: Path) -> None:
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    small.write_bytes(saved(Image.new("RGB", (300, 300)), "PNG"))
    large.write_bytes(saved(Image.new("RGB", (1700, 1700)), "PNG"))
    few, many = (
        int(
            subprocess.run(
                [sys.executable, "-c", MEASURE, small, large, count], stdout=subprocess.PIPE, check=True
            ).stdout
        )
        for count in ("1", "64")
    )
    one_copy_kib = 1700 * 1700 * 3 // 1024
    assert many < few + 4 * one_copy_kib, "more than a few copies of the picture"


MEASURE_THREADS = """
import resource, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from framewatch_core.images.image import EncodedImage, PixelFormat, RawImage
from framewatch_server.vision.pixels.decode import DecodeLimits
from framewatch_server.vision.pixels.preprocess import PreprocessSpec
from framewatch_server.vision.pixels.room import PixelRoom
from framewatch_server.vision.pixels.view import View, prepare_view

spec = PreprocessSpec(96, (96, 96), 3, (0.0,) * 3, (1.0,) * 3)
small, large = (EncodedImage(Path(path).read_bytes()) for path in sys.argv[1:3])
room = PixelRoom(int(sys.argv[3]))
prepare_view(small, View(), spec, DecodeLimits())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with ThreadPoolExecutor(8) as threads:
    list(threads.map(lambda _: prepare_view(large, View(), spec, DecodeLimits(), room=room), range(8)))
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_eight_threads_hold_as_much_as_there_is_room_for(tmp_path: Path, mode: str) -> None:
    small, large = tmp_path / "small.png", tmp_path / "large.png"
    small.write_bytes(saved(Image.new(mode, (300, 300)), "PNG"))
    large.write_bytes(saved(Image.new(mode, (2000, 2000)), "PNG"))
    room = 2 * 2000 * 2000 * 10
    command = [sys.executable, "-c", MEASURE_THREADS, small, large, str(room)]
    held = int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    assert held < room * 1.2
