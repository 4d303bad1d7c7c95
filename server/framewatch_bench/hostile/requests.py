"""Requests that are wrong, or larger than anybody needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_bench.hostile.files import grey_png

Request = pb.StreamFramesRequest


def label_set(count: int, *, prefix: str = "label") -> pb.LabelSet:
    """Returns as many labels as one likes."""
    return pb.LabelSet(labels=[pb.Label(name=f"{prefix} {number}") for number in range(count)])


def regions(count: int, side: float = 0.9) -> list[pb.Region]:
    """Returns regions of the same size, a share of the picture's width and height, that overlap."""
    step = (1 - side) / count
    return [pb.Region(id=f"r{number}", x=number * step, width=side, height=side) for number in range(count)]


def config(labels: int = 2, **fields: Any) -> Request:
    """Returns a config with so many labels."""
    return Request(config=pb.StreamConfig(label_set=label_set(labels), **fields))


def frame(number: int, image: bytes, **fields: Any) -> Request:
    """Returns a frame with an encoded image."""
    return Request(frame=pb.Frame(frame_id=number, image=pb.Image(encoded=image), **fields))


def frames(images: Sequence[bytes], count: int) -> Iterator[Request]:
    """Returns so many frames with the images by turns."""
    return (frame(number, images[number % len(images)]) for number in range(count))


def heavy_config(side: int, count: int) -> Request:
    """Returns a config with so many raw examples of so many pixels a side."""
    examples = [
        pb.Image(
            raw=pb.RawImage(
                data=bytes([number]) * (side * side * 3), width=side, height=side, pixel_format=pb.PIXEL_FORMAT_RGB24
            )
        )
        for number in range(count)
    ]
    half = count // 2
    labels = [pb.Label(name="seen", examples=examples[:half], counter_examples=examples[half:]), pb.Label(name="not")]
    return Request(config=pb.StreamConfig(label_set=pb.LabelSet(labels=labels)))


def wrong_configs() -> list[Request]:
    """Returns configs whose fields are out of their ranges."""
    return [
        config(origin_time=Timestamp(seconds=-(2**62), nanos=-5)),
        config(origin_time=Timestamp(seconds=253_402_300_799, nanos=999_999_999)),
        config(max_frame_rate=1e-300),
        config(max_frame_rate=float("nan")),
        config(max_frame_gap=Duration(seconds=2**62, nanos=-7)),
        config(regions=[pb.Region(id="a", x=float("inf"), width=1, height=1)]),
        config(regions=[pb.Region(id="a", width=1e-300, height=1)]),
        config(rules=[pb.EventRule(id="r", label="L" * 20_000)]),
        config(rules=[pb.EventRule(id="r", label="label 0", enter_at=float("nan"))]),
        config(model="M" * 30_000),
        config(reuse=pb.Reuse(change_threshold=-1.0)),
        config(resume=pb.Resume(token="\u4e2d" * 10_000, last_event_id="x" * 10_000)),
        Request(
            config=pb.StreamConfig(label_set=pb.LabelSet(templates=pb.PromptTemplates(templates=["\u4e2d" * 900])))
        ),
    ]


def wrong_frames() -> list[Request]:
    """Returns frames whose times and images can't be read."""
    image = grey_png(16, 16)

    def raw(data: bytes) -> pb.Image:
        return pb.Image(raw=pb.RawImage(data=data, width=64, height=64, pixel_format=pb.PIXEL_FORMAT_RGB24))

    return [
        frame(0, image, time_offset=Duration(seconds=2**62)),
        frame(1, image, time_offset=Duration(seconds=5, nanos=-5)),
        frame(2, image, time_offset=Duration(seconds=10**9)),
        frame(2**64 - 1, image),
        Request(frame=pb.Frame(frame_id=3)),
        Request(frame=pb.Frame(frame_id=4, image=raw(b"abc"))),
        Request(frame=pb.Frame(frame_id=5, image=raw(bytes(64 * 64 * 4)))),
        Request(frame=pb.Frame(frame_id=6, image=pb.Image(raw=pb.RawImage(width=2**31, height=2**31)))),
        Request(explain=pb.Explain()),
        Request(),
    ]


def huge_counts(count: int) -> dict[str, list[bytes]]:
    """Returns messages on the wire, by the name of their call, with so many entries in one repeated field."""
    labels, templates, rules = _field(1, _field(1, b"a")), _field(2, _field(1, b"{label}")), _field(3, _field(1, b"a"))
    ignored = _field(10, b"\x12" + _varint(count) + b"\x02" * count)  # packed
    texts, images, regions_ = _field(3, b"a"), _field(2, b""), _field(9, _field(1, b"a"))
    return {
        "Classify": [
            _field(3, labels * count),
            _field(3, _field(2, _field(1, b"a") * count)),
            _field(3, _field(1, _field(2, b"a") * count)),
        ],
        "Embed": [texts * count, images * count],
        "Similarity": [_field(3, b"") * count],
        "StreamFrames": [
            _field(2, _field(2, labels * count)),
            _field(2, _field(2, templates * count)),
            _field(2, rules * count),
            _field(2, ignored),
            _field(2, regions_ * count),
        ],
    }


def _field(number: int, data: bytes) -> bytes:
    """A field with a length, on the wire."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes([*encoded, value])
