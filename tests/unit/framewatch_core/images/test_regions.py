"""Parts of a frame: what is refused, and which pixels they are."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_core.errors import FieldError, InvalidRegion, LimitExceeded
from framewatch_core.images.regions import MAX_REGIONS, WHOLE_FRAME, Region, check_regions

SIZES = st.integers(1, 5000)
NAN, INFINITE = float("nan"), float("inf")


@st.composite
def extents(draw: st.DrawFn) -> tuple[float, float]:
    """A start and a size within the frame, however small."""
    start = draw(st.floats(0, 1, exclude_max=True))
    return start, draw(st.floats(0, 1 - start, exclude_min=True)) if start < 1 else 1.0


@pytest.mark.parametrize(
    ("arguments", "error", "field"),
    [
        pytest.param({"x": -0.01}, InvalidRegion, "x", id="left of the frame"),
        pytest.param({"x": 1.0}, InvalidRegion, "x", id="at the right edge"),
        pytest.param({"y": -1e-12}, InvalidRegion, "y", id="a little above the frame"),
        pytest.param({"y": NAN}, InvalidRegion, "y", id="y is no number"),
        pytest.param({"x": INFINITE}, InvalidRegion, "x", id="infinite x"),
        pytest.param({"width": 0.0}, InvalidRegion, "width", id="no width"),
        pytest.param({"height": -0.2}, InvalidRegion, "height", id="negative height"),
        pytest.param({"width": NAN}, InvalidRegion, "width", id="width is no number"),
        pytest.param({"height": INFINITE}, InvalidRegion, "height", id="infinite height"),
        pytest.param({"x": 0.5, "width": 0.51}, InvalidRegion, "width", id="ends right of the frame"),
        pytest.param({"y": 0.9, "height": 0.2}, InvalidRegion, "height", id="ends below the frame"),
        pytest.param({"id": "x" * 257}, LimitExceeded, "id", id="long id"),
    ],
)
def test_impossible_regions_name_their_field(arguments: dict[str, object], error: type[FieldError], field: str) -> None:
    with pytest.raises(error) as caught:
        Region(**{"id": "r", "x": 0.0, "y": 0.0, "width": 0.5, "height": 0.5, **arguments})  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("x", "width"), [(0.7, 0.3), (0.1, 0.9), (0.9, 0.1), (0.9999999, 0.0000005), (0.0, 1.0)], ids=str
)
def test_what_decimals_come_to_is_no_fault(x: float, width: float) -> None:
    Region("r", x, 0, width, 1)


@pytest.mark.parametrize(
    ("ids", "error", "field"),
    [
        pytest.param(["a", ""], InvalidRegion, "regions[1].id", id="no id"),
        pytest.param([" "], InvalidRegion, "regions[0].id", id="blank id"),
        pytest.param(["a", "b", "a"], InvalidRegion, "regions[2].id", id="id twice"),
        pytest.param([str(i) for i in range(65)], LimitExceeded, "regions", id="too many"),
    ],
)
def test_impossible_lists_name_their_field(ids: list[str], error: type[FieldError], field: str) -> None:
    with pytest.raises(error) as caught:
        check_regions([Region(id_, 0, 0, 1, 1) for id_ in ids])
    assert caught.value.field == field


def test_as_many_as_may_be_are_fine() -> None:
    check_regions([Region(str(i), 0, 0, 1, 1) for i in range(MAX_REGIONS)])
    check_regions([])


@pytest.mark.parametrize(
    ("region", "box"),
    [
        pytest.param(WHOLE_FRAME, (0, 0, 640, 360), id="the whole frame"),
        pytest.param(Region("r", 0.25, 0.5, 0.5, 0.25), (160, 180, 480, 270), id="a part"),
        pytest.param(Region("r", 0.06, 0.28, 0.17, 0.62), (38, 101, 147, 324), id="rounded to whole pixels"),
        pytest.param(Region("r", 0.5, 0.5, 1e-9, 1e-9), (320, 180, 321, 181), id="at least one pixel"),
        pytest.param(Region("r", 0.99999999, 0, 1e-9, 1), (639, 0, 640, 360), id="at the very edge"),
        pytest.param(Region("r", 0.5, 0, 0.5 + 1e-7, 1), (320, 0, 640, 360), id="rounding beyond the edge is cut off"),
        pytest.param(Region("r", 0, 0, 5e-324, 5e-324), (0, 0, 1, 1), id="the smallest number there is"),
    ],
)
def test_pixels(region: Region, box: tuple[int, int, int, int]) -> None:
    assert region.pixel_box(640, 360) == box


@given(extents(), extents(), SIZES, SIZES)
def test_a_region_is_never_empty_and_inside_the_frame(
    across: tuple[float, float], down: tuple[float, float], frame_width: int, frame_height: int
) -> None:
    region = Region("r", across[0], down[0], across[1], down[1])
    left, top, right, bottom = region.pixel_box(frame_width, frame_height)
    assert 0 <= left < right <= frame_width
    assert 0 <= top < bottom <= frame_height
    for found, wanted, pixels in ((left, region.x, frame_width), (bottom, region.y + region.height, frame_height)):
        assert abs(found - wanted * pixels) < 2, "half a pixel, and one more for a part of a pixel"


@given(st.integers(1, 64), SIZES)
def test_regions_side_by_side_leave_nothing_out(count: int, pixels: int) -> None:
    edges = [i / count for i in range(count + 1)]
    boxes = [Region("r", x, 0, end - x, 1).pixel_box(pixels, 1) for x, end in itertools.pairwise(edges)]
    covered = {column for left, _, right, _ in boxes for column in range(left, right)}
    assert covered == set(range(pixels))
