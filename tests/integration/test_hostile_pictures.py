"""Hostile pictures over real gRPC: each is told as a fault of the picture, or scored, and others are not disturbed."""

from __future__ import annotations

import struct
from typing import Any

import grpc
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from tests.integration.conftest import MakeServer, image, jpeg, label_set
from tests.integration.errors import error_details
from tests.integration.streams import Request, config, frame, seconds, split
from tests.paths import SHARED_DATA
from tests.unit.framewatch_core.images.headers import files

PICTURE = jpeg()
AT = PICTURE.index(b"\xff\xc0")
ODD_EXIF = struct.pack("<HHHLLHHLHxx", 2, 0x011A, 5, 1, 0xFFFFFFF0, 0x0112, 3, 1, 6)

REFUSED = {
    "a frame behind stuffing": PICTURE[:AT] + b"\xff\x00\x00\x02" + files.frame(4000, 4000) + PICTURE[AT:],
    "two frames": PICTURE[:AT] + files.frame(4000, 4000) + PICTURE[AT:],
    "31 million fill bytes": b"\xff\xd8" + b"\xff" * 31_000_000 + PICTURE[2:],
    "a PNG chunk of 4 GiB": files.png(files.ihdr(), files.chunk(b"tEXt", b"a", length=0xFFFFFFFF), files.idat()),
    "two PNG headers": files.png(
        files.ihdr(), files.chunk(b"tRNS", b"\0" * 6), files.ihdr(4000, 4000), files.idat(4000, 4000)
    ),
    "20,000 compressed texts": files.png(files.ihdr(), *[files.chunk(b"zTXt", b"a\0\0")] * 20_000, files.idat()),
    "a million texts": files.png(files.ihdr(), *[files.chunk(b"tEXt")] * 1_000_000, files.idat()),
    "a picture beyond its canvas": files.webp(files.canvas(8, 8), files.lossy(9_000, 9_000)),
}
SCORED = {
    "fill bytes between segments": b"\xff\xd8" + b"\xff" * 1_000 + PICTURE[2:],
    "EXIF that Pillow raises on": PICTURE[:2]
    + files.segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + ODD_EXIF)
    + PICTURE[2:],
    "a profile after the pixels": files.png(
        files.ihdr(), files.chunk(b"tRNS", b"\0" * 6), files.idat(), files.chunk(b"iCCP", b"junk")
    ),
}
SCANS = files.jpeg(files.frame(1000, 1000, marker=0xC2), *[files.scan(1, pixels=b"")] * 12_000)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        *(pytest.param(data, "UNDECODABLE_IMAGE", id=name) for name, data in REFUSED.items()),
        pytest.param(SCANS, "UNSUPPORTED_FORMAT", id="12,000 scans"),
    ],
)
def test_hostile_pictures_are_refused(stub: pb_grpc.ZeroShotServiceStub, data: bytes, reason: str) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Classify(pb.ClassifyRequest(image=image(data), label_set=label_set("a", "b")))
    details = error_details(caught.value)
    assert (caught.value.code(), details.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


def test_hostile_frames_have_outcomes_among_honest_ones(stub: pb_grpc.ZeroShotServiceStub) -> None:
    hostile = {**REFUSED, **SCORED, "12,000 scans": SCANS}
    numbered = list(enumerate(hostile.items()))
    requests = [config()]
    for i, (_, data) in numbered:
        requests += [frame(2 * i + 1, data), frame(2 * i + 2, jpeg(i))]
    _, outcomes, _ = split(stub.StreamFrames(iter(requests)))
    expected: list[Any] = []
    for i, (name, _) in numbered:
        reason = "UNDECODABLE_IMAGE" if name in REFUSED else "scores" if name in SCORED else "UNSUPPORTED_FORMAT"
        expected += [(2 * i + 1, reason), (2 * i + 2, "scores")]
    assert outcomes == expected


def test_the_attacks_are_refused_or_scored(stub: pb_grpc.ZeroShotServiceStub) -> None:
    attacks = sorted((SHARED_DATA / "hostile").glob("*"))
    if not attacks:
        pytest.skip(f"{SHARED_DATA / 'hostile'} is not there")
    requests = [config(), *(frame(i, path.read_bytes()) for i, path in enumerate(attacks, 1))]
    _, outcomes, _ = split(stub.StreamFrames(iter(requests)))
    assert [number for number, _ in outcomes] == list(range(1, len(attacks) + 1))
    assert {outcome for _, outcome in outcomes} <= {"scores", "UNDECODABLE_IMAGE", "UNSUPPORTED_FORMAT"}


@pytest.mark.parametrize(
    ("size", "pixel_format"),
    [
        pytest.param(64 * 48 * 4, pb.PIXEL_FORMAT_RGB24, id="RGBA said to be RGB24"),
        pytest.param(64 * 48 * 3, pb.PIXEL_FORMAT_GRAY8, id="RGB said to be GRAY8"),
        pytest.param(64 * 64 * 3 // 2, pb.PIXEL_FORMAT_NV12, id="64 rows of luma said to be 48"),
    ],
)
def test_raw_pixels_that_are_longer_than_their_fields_say_are_refused(
    stub: pb_grpc.ZeroShotServiceStub, size: int, pixel_format: pb.PixelFormat
) -> None:
    raw = pb.RawImage(data=b"x" * size, width=64, height=48, pixel_format=pixel_format)
    sent = Request(frame=pb.Frame(frame_id=1, time_offset=seconds(0), image=pb.Image(raw=raw)))
    _, outcomes, _ = split(stub.StreamFrames(iter([config(), sent, frame(2, time_s=1)])))
    assert outcomes == [(1, "INVALID_RAW_IMAGE"), (2, "scores")]


async def test_the_pixels_of_all_regions_are_limited(make_server: MakeServer) -> None:
    stub = await make_server(max_region_pixels=2 * 160 * 120, jpeg_decode="full")
    regions = [pb.Region(id=f"r{i}", x=0, y=0, width=1, height=1) for i in range(3)]
    for count, expected in ((2, "scores"), (3, "IMAGE_TOO_LARGE")):
        requests = iter([config(regions=regions[:count]), frame(1)])
        _, outcomes, _ = split([response async for response in stub.StreamFrames(requests)])
        assert outcomes == [(1, expected)]
