"""Items of a source as requests."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from framewatch_client import Frame, HealthPolicy, InvalidValue, Reconfigure, stream_config
from framewatch_client._streaming.feed import RequestEncoder

LARGE = np.full((400, 600, 3), 128, np.uint8)


def encoder(*regions: str) -> RequestEncoder:
    """Returns the encoder for a server that needs 100 pixels of the whole frame."""
    config = stream_config(["a", "b"], regions=regions, health=HealthPolicy(disabled=True))
    share = min((min(region.width, region.height) for region in config.regions), default=1.0)
    return RequestEncoder(config, short_side=round(100 / share), jpeg_quality=90, max_image_bytes=0)


def sent_short_side(of: RequestEncoder) -> int:
    data = np.frombuffer(of.encode(LARGE).frame.image.encoded, np.uint8)
    return min(cv2.imdecode(data, cv2.IMREAD_COLOR).shape[:2])


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [
        pytest.param([], None, 100, id="no regions"),
        pytest.param(["l=0,0,0.5,1"], None, 200, id="regions stay"),
        pytest.param([], ["l=0,0,0.5,1"], 200, id="regions come: more pixels of the frame are needed"),
        pytest.param(["l=0,0,0.5,1"], [], 100, id="regions go"),
        pytest.param(["l=0,0,0.5,1"], ["l=0,0,0.1,0.1"], 400, id="never enlarged"),
    ],
)
def test_a_new_config_may_change_regions(first: list[str], then: list[str] | None, expected: int) -> None:
    feed = encoder(*first)
    config = feed.encode(Reconfigure(["c"], regions=then)).config
    assert [region.id for region in config.regions] == [text[0] for text in (first if then is None else then)]
    assert config.health.disabled, "as before"
    assert sent_short_side(feed) == expected


def test_a_new_config_may_change_health() -> None:
    assert not encoder().encode(Reconfigure(["c"], health=HealthPolicy())).config.health.disabled


@pytest.mark.parametrize("frame_id", [-1, 2**64])
def test_a_frame_number_that_the_wire_does_not_have(frame_id: int) -> None:
    with pytest.raises(InvalidValue, match=f"frame_id is {frame_id}"):
        encoder().encode(Frame(LARGE, frame_id=frame_id))
