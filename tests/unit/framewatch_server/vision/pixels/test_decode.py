"""Decoding against Pillow, which is what transformers' pipeline reads pictures with."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps
from transformers.image_transforms import convert_to_rgb
from transformers.image_utils import load_image

from framewatch_core.errors import ImageTooLarge, UndecodableImage
from framewatch_core.images.image import EncodedImage, PixelFormat, RawImage
from framewatch_server.vision.pixels.decode import DecodeLimits, decode
from tests.unit.framewatch_core.images.headers import files

LIMITS = DecodeLimits()


def smooth(width: int = 64, height: int = 48, seed: int = 0) -> npt.NDArray[np.uint8]:
    """A smooth RGB picture."""
    noise = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_alpha(mode: str) -> Image.Image:
    image = Image.fromarray(smooth()).convert(mode.rstrip("A") if mode != "LA" else "L")
    image.putalpha(Image.fromarray(smooth(seed=1)[:, :, 0]))
    return image


def rotated(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = orientation
    return exif


def sixteen_bit_png() -> bytes:
    return cv2.imencode(".png", smooth()[:, :, ::-1].astype(np.uint16) * 257)[1].tobytes()


def sixteen_bit_png_colour() -> bytes:
    return struct.pack(">HHH", *(int(level) * 257 for level in smooth()[9, 9]))


def grey_alpha_16_png() -> bytes:
    """A PNG of a kind that no library here writes."""
    rows = np.stack([smooth()[:, :, 0], smooth(seed=1)[:, :, 0]], axis=2).astype(">u2") * 257
    pixels = b"".join(b"\0" + row.tobytes() for row in rows)
    return files.png(files.ihdr(64, 48, 16, 4), files.chunk(b"IDAT", zlib.compress(pixels)))


def alike_entries_png() -> bytes:
    palette = files.chunk(b"PLTE", bytes([9, 9, 9, 200, 50, 20, 9, 9, 9]))
    pixels = b"".join(b"\0" + bytes((x + y) % 3 for x in range(64)) for y in range(48))
    transparent = files.chunk(b"tRNS", b"\xff\xff\0")
    return files.png(files.ihdr(64, 48, 8, 3), palette, transparent, files.chunk(b"IDAT", zlib.compress(pixels)))


def with_chunk(png: bytes, name: bytes, data: bytes) -> bytes:
    """The PNG with a chunk behind its header."""
    return png[:33] + files.chunk(name, data) + png[33:]


RGB = Image.fromarray(smooth())
XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
FILES = {
    "JPEG": saved(RGB, "JPEG"),
    "progressive JPEG": saved(RGB, "JPEG", progressive=True),
    "grey JPEG": saved(RGB.convert("L"), "JPEG"),
    "CMYK JPEG": saved(RGB.convert("CMYK"), "JPEG"),
    "PNG": saved(RGB, "PNG"),
    "RGBA PNG": saved(with_alpha("RGBA"), "PNG"),
    "grey PNG": saved(RGB.convert("L"), "PNG"),
    "grey PNG with alpha": saved(with_alpha("LA"), "PNG"),
    "black and white PNG": saved(RGB.convert("1"), "PNG"),
    "palette PNG": saved(RGB.quantize(32), "PNG"),
    "palette PNG with transparency": saved(RGB.quantize(32), "PNG", transparency=3),
    "palette PNG with degrees of transparency": saved(RGB.quantize(32), "PNG", transparency=bytes(range(0, 256, 8))),
    "RGB PNG with a transparent colour": saved(RGB, "PNG", transparency=RGB.getpixel((9, 9))),
    "grey PNG with a transparent level": saved(RGB.convert("L"), "PNG", transparency=RGB.convert("L").getpixel((9, 9))),
    "16-bit RGB PNG": cv2.imencode(".png", smooth()[:, :, ::-1].astype(np.uint16) * 257)[1].tobytes(),
    "animated PNG": saved(RGB, "PNG", save_all=True, append_images=[RGB.rotate(180)]),
    "animated PNG with a hidden default picture": saved(
        RGB, "PNG", save_all=True, default_image=True, append_images=[RGB.rotate(180), RGB.rotate(90)]
    ),
    "16-bit RGB PNG with a transparent colour": with_chunk(sixteen_bit_png(), b"tRNS", sixteen_bit_png_colour()),
    "16-bit PNG of grey and alpha": grey_alpha_16_png(),
    "black and white PNG with a transparent level": with_chunk(saved(RGB.convert("1"), "PNG"), b"tRNS", b"\0\1"),
    "palette PNG with one transparent entry of two alike": alike_entries_png(),
    "lossy WebP": saved(RGB, "WEBP"),
    "lossless WebP": saved(RGB, "WEBP", lossless=True),
    "WebP with alpha": saved(with_alpha("RGBA"), "WEBP", lossless=True, exact=True),
    "animated WebP": saved(RGB, "WEBP", save_all=True, append_images=[RGB.rotate(180)], lossless=True),
    "one pixel": saved(RGB.resize((1, 1)), "PNG"),
    **{f"JPEG turned by EXIF {n}": saved(RGB, "JPEG", exif=rotated(n)) for n in range(1, 9)},
    "PNG turned by EXIF": saved(RGB, "PNG", exif=rotated(6)),
    "JPEG turned by XMP": saved(RGB, "JPEG", xmp=XMP),
    "WebP turned by XMP": saved(RGB, "WEBP", xmp=XMP, lossless=True),
    "PNG turned by XMP": with_chunk(saved(RGB, "PNG"), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
    "JPEG of several pictures": saved(RGB, "MPO", save_all=True, append_images=[RGB.rotate(180)]),
    "JPEG with restarts": saved(RGB, "JPEG", restart_marker_blocks=2),
    "WebP turned by EXIF": saved(RGB, "WEBP", exif=rotated(8), lossless=True),
}


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")
@pytest.mark.parametrize("name", FILES)
def test_pixels_are_those_that_transformers_would_see(name: str) -> None:
    # the pipeline's first step, and its image processor's
    reference = convert_to_rgb(load_image(Image.open(io.BytesIO(FILES[name]))), return_numpy=True)
    pixels = decode(EncodedImage(FILES[name]), LIMITS)
    assert pixels.shape == reference.shape
    assert np.abs(pixels.astype(int) - reference).max() <= 1


@pytest.mark.parametrize(
    ("size", "min_size", "expected"),
    [
        pytest.param((640, 480), (60, 60), (80, 60), id="an eighth is just enough"),
        pytest.param((640, 480), (61, 61), (160, 120), id="a quarter: both sides count"),
        pytest.param((640, 480), (200, 200), (320, 240), id="half"),
        pytest.param((640, 480), (241, 241), (640, 480), id="whole"),
        pytest.param((640, 480), None, (640, 480), id="not asked for"),
    ],
)
def test_large_jpegs_are_decoded_at_a_fraction_that_is_large_enough(
    size: tuple[int, int], min_size: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    pixels = decode(EncodedImage(saved(Image.fromarray(smooth(*size)), "JPEG")), LIMITS, min_size)
    assert pixels.shape == (expected[1], expected[0], 3)


def test_reduced_decoding_keeps_colours_and_orientation() -> None:
    data = saved(Image.fromarray(smooth(640, 480)), "JPEG", exif=rotated(6), quality=95)
    reference = np.asarray(
        ImageOps.exif_transpose(Image.open(io.BytesIO(data))).resize((120, 160), Image.Resampling.BOX)
    )
    pixels = decode(EncodedImage(data), LIMITS, (120, 120))
    assert pixels.shape == (160, 120, 3)
    assert np.abs(pixels.astype(int) - reference).mean() < 1.5


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(FILES["JPEG"][:-100], id="JPEG cut off"),
        pytest.param(FILES["PNG"][:-100], id="PNG cut off"),
        pytest.param(FILES["lossy WebP"][:-30], id="WebP cut off"),
        pytest.param(FILES["PNG"][:100] + b"\0" * 60 + FILES["PNG"][160:], id="PNG with a hole"),
    ],
)
def test_broken_files_are_refused(data: bytes) -> None:
    with pytest.raises(UndecodableImage):
        decode(EncodedImage(data), LIMITS)


def raw_cases() -> dict[str, tuple[RawImage, npt.NDArray[np.uint8]]]:
    rgb = smooth()
    bgr = rgb[:, :, ::-1]
    grey = np.ascontiguousarray(rgb[:, :, 1])
    i420 = cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420)
    luma, u, v = i420[:48], i420[48:60].reshape(24, 32), i420[60:].reshape(24, 32)
    nv12 = np.concatenate([luma, np.dstack([u, v]).reshape(24, 64)])
    yuv_reference = np.asarray(cv2.cvtColor(i420, cv2.COLOR_YUV2RGB_I420), dtype=np.uint8)
    alpha = np.full((48, 64, 1), 7, np.uint8)
    planes = [np.pad(luma, ((0, 0), (0, 8))), np.pad(u, ((0, 0), (0, 4))), np.pad(v, ((0, 0), (0, 4)))]

    def raw(data: npt.NDArray[np.uint8] | bytes, kind: PixelFormat, stride: int = 0) -> RawImage:
        return RawImage(data if isinstance(data, bytes) else data.tobytes(), 64, 48, kind, stride)

    return {
        "RGB24": (raw(rgb, PixelFormat.RGB24), rgb),
        "BGR24": (raw(np.ascontiguousarray(bgr), PixelFormat.BGR24), rgb),
        "GRAY8": (raw(grey, PixelFormat.GRAY8), np.dstack([grey] * 3)),
        "BGRA32": (raw(np.concatenate([bgr, alpha], axis=2), PixelFormat.BGRA32), rgb),
        "I420": (raw(i420, PixelFormat.I420), yuv_reference),
        "NV12": (raw(nv12, PixelFormat.NV12), yuv_reference),
        "RGB24 with padding": (raw(np.pad(rgb.reshape(48, 192), ((0, 0), (0, 5))), PixelFormat.RGB24, 197), rgb),
        "RGB24 without padding behind the last row": (
            raw(np.pad(rgb.reshape(48, 192), ((0, 0), (0, 5))).tobytes()[:-5], PixelFormat.RGB24, 197), rgb,
        ),
        "NV12 with padding": (raw(np.pad(nv12, ((0, 0), (0, 6))), PixelFormat.NV12, 70), yuv_reference),
        "I420 with padding": (raw(b"".join(p.tobytes() for p in planes), PixelFormat.I420, 72), yuv_reference),
        "I420 without padding behind the last row": (
            raw(b"".join(p.tobytes() for p in planes)[:-4], PixelFormat.I420, 72), yuv_reference,
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", raw_cases())
def test_raw_formats(name: str) -> None:
    image, reference = raw_cases()[name]
    assert np.array_equal(decode(image, LIMITS), reference)


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        pytest.param(DecodeLimits(max_image_bytes=100), "max_image_bytes", id="bytes"),
        pytest.param(DecodeLimits(max_image_pixels=64 * 48 - 1), "max_image_pixels", id="pixels"),
    ],
)
@pytest.mark.parametrize("image", [EncodedImage(FILES["JPEG"]), raw_cases()["RGB24"][0]], ids=["encoded", "raw"])
def test_limits_come_before_decoding(
    limits: DecodeLimits, limit: str, image: EncodedImage | RawImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "imdecode", None)
    with pytest.raises(ImageTooLarge) as caught:
        decode(image, limits)
    assert caught.value.metadata["limit"] == limit
