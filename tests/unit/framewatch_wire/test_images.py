from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import FieldError, InvalidRequest
from framewatch_core.images.image import EncodedImage, Image, ImageKey, PixelFormat, RawImage
from framewatch_wire.images import image_from_proto, image_to_proto, images_from_proto
from tests.unit.framewatch_wire.sent import sent


@st.composite
def images(draw: st.DrawFn) -> Image:
    if draw(st.booleans()):
        return EncodedImage(draw(st.binary(min_size=1, max_size=20)))
    pixel_format = draw(st.sampled_from(PixelFormat))
    width, height = draw(st.sampled_from([2, 4])), draw(st.sampled_from([2, 6]))
    padding = draw(st.sampled_from([None, 0, 4]))
    stride = 0 if padding is None else width * pixel_format.bytes_per_pixel + padding
    rows = height * 3 // 2 if pixel_format.is_yuv420 else height
    size = rows * (stride or width * pixel_format.bytes_per_pixel)
    return RawImage(draw(st.binary(min_size=size, max_size=size)), width, height, pixel_format, stride)


@given(images())
def test_an_image_arrives_as_it_was(image: Image) -> None:
    assert image_from_proto(sent(image_to_proto(image))) == image


def test_a_key_can_not_be_sent() -> None:
    with pytest.raises(ValueError, match="give the picture"):
        image_to_proto(ImageKey(b"0" * 16))


@pytest.mark.parametrize(
    "content", [pb.Image(), pb.Image(encoded=b""), pb.Image(raw=pb.RawImage())], ids=["none", "empty", "raw"]
)
def test_images_without_content_are_refused(content: pb.Image) -> None:
    with pytest.raises(InvalidRequest):
        image_from_proto(content)


def test_images_go_by_their_paths() -> None:
    assert images_from_proto([pb.Image(encoded=b"a")], "images") == {"images[0]": EncodedImage(b"a")}
    with pytest.raises(FieldError) as caught:
        images_from_proto([pb.Image(encoded=b"a"), pb.Image(raw=pb.RawImage(pixel_format=99))], "images")  # type: ignore[arg-type]
    assert caught.value.field == "images[1].raw.pixel_format"
