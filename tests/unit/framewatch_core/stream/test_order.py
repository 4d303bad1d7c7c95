"""The order of frames: outliers of time, and the rate limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framewatch_core.errors import FrameOutOfOrder
from framewatch_core.stream.order import FrameOrder
from framewatch_core.time import NS_PER_S, Moment

GAP_S = 10


def order_of(times_s: list[float], *, gives_time: bool = True) -> str:
    """Returns a letter for each frame: `.` in order, `o` an outlier, `x` out of order."""
    order, found = FrameOrder(), ""
    for number, time_s in enumerate(times_s):
        try:
            is_outlier = order.check(Moment(number, round(time_s * NS_PER_S)), GAP_S * NS_PER_S, gives_time=gives_time)
        except FrameOutOfOrder:
            found += "x"
        else:
            found += "o" if is_outlier else "."
    return found


@pytest.mark.parametrize(
    ("times_s", "expected"),
    [
        pytest.param([0, 1, 2, 902, 3, 4], "...o..", id="alone"),
        pytest.param([0, 1, 902, 2, 903, 3, 904, 4], "..o.o.o.", id="again and again"),
        pytest.param([0, 1, 2, 902, 902.5, 903], "...o..", id="the clock has moved"),
        pytest.param([0, 1, 2, 902, 902, 903], "...o..", id="the clock has moved, same time"),
        pytest.param([0, 1, 2, 902, 903, 3], "...o.x", id="it has moved: time can't go back"),
        pytest.param([0, 1, 2, 902, 500, 3], "...oo.", id="a smaller leap after it"),
        pytest.param([0, 1, 2, 902, 500, 501, 902], "...oo.o", id="a smaller leap, and the clock stays there"),
        pytest.param([0, 1, 2, 902, 1.5], "...ox", id="before the last time in order"),
        pytest.param([0, 10, 20, 30], "....", id="steps as long as a gap"),
        pytest.param([0, 60, 120, 180], "....", id="only long steps"),
        pytest.param([0, 1, 60, 120, 180, 240], "..o...", id="the steps get longer"),
        pytest.param([0, 60, 61, 900, 62], "...o.", id="the steps get shorter"),
        pytest.param([0, 9.9, 20, 29.9, 40, 49.9], "......", id="steps of about a gap"),
        pytest.param([0, 9.9, 29.7, 39.6], "....", id="one frame is missing where steps are of about a gap"),
        pytest.param([0, 9.9, 39.7, 19.8], "..o.", id="more than three steps"),
        pytest.param([0, 900, 1], "..x", id="the second frame: no step before it"),
        pytest.param([900, 1, 2], ".xx", id="the first frame"),
        pytest.param([0, 0, 900, 1], "..o.", id="after two frames of one time"),
    ],
)
def test_which_times_are_outliers(times_s: list[float], expected: str) -> None:
    assert order_of(times_s) == expected


def test_times_of_arrival_have_no_outliers() -> None:
    assert order_of([0, 1, 2, 902, 903], gives_time=False) == "....."


def test_numbers_of_outliers_count() -> None:
    order = FrameOrder()
    for number, time_s in [(1, 0), (2, 1), (9, 900)]:
        order.check(Moment(number, time_s * NS_PER_S), GAP_S * NS_PER_S, gives_time=True)
    with pytest.raises(FrameOutOfOrder, match="frame_id 8 came after 9"):
        order.check(Moment(8, 2 * NS_PER_S), GAP_S * NS_PER_S, gives_time=True)


@given(
    st.lists(st.floats(0, GAP_S), min_size=2, max_size=30),
    st.dictionaries(st.integers(2, 29), st.floats(GAP_S * 3.01, 1e6), max_size=10),
)
def test_lone_outliers_change_nothing_for_the_others(steps_s: list[float], leaps_s: dict[int, float]) -> None:
    """`leaps_s`: by the number of the frame before which an outlier comes, how far it is ahead."""
    times_s, expected, now_s = list[float](), "", 0.0
    for number, step_s in enumerate(steps_s):
        if number in leaps_s:
            # ahead of the frame before it and of the one after it
            times_s.append(now_s + step_s + leaps_s[number])
            expected += "o"
        now_s += step_s
        times_s.append(now_s)
        expected += "."
    assert order_of(times_s) == expected


@given(st.lists(st.floats(0, 100), max_size=40))
def test_times_that_rise_are_never_out_of_order_and_no_two_outliers_follow_each_other(steps_s: list[float]) -> None:
    times_s = [sum(steps_s[:i]) for i in range(len(steps_s))]
    found = order_of(times_s)
    assert "x" not in found
    assert "oo" not in found


def passed(times_s: list[float], rates: list[float | None]) -> str:
    order = FrameOrder()
    return "".join(
        "." if order.is_within_rate(round(time_s * NS_PER_S), rate) else "x"
        for time_s, rate in zip(times_s, rates, strict=True)
    )


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ([1.0] * 6, "..x.x."),
        ([1 / 600] * 2 + [5.0] * 4, ".x...."),
        ([1.0, 1.0, None, None, 1.0, 1.0], ".....x"),
        ([1e-300] * 6, ".xxxxx"),
        ([5e-324] * 3 + [1e300] * 3, ".xx..."),
    ],
    ids=["one", "a faster one", "none for a while", "next to none", "the largest after the smallest"],
)
def test_a_new_rate_starts_a_new_beat(rates: list[float | None], expected: str) -> None:
    assert passed([0.0, 1.0, 1.5, 2.0, 2.5, 3.0], rates) == expected


def test_the_rate_of_hours_is_kept_after_a_rate_of_ten_minutes() -> None:
    order = FrameOrder()
    rates = [1 / 600] * 10 + [5.0] * 600
    found = [order.is_within_rate(second * NS_PER_S, rate) for second, rate in enumerate(rates)]
    assert sum(found) == 1 + 600
