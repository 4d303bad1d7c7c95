from __future__ import annotations

import pytest

from framewatch_core import errors
from framewatch_core.errors import FramewatchError
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.stream.results import (
    Dropped,
    DropReason,
    Failed,
    FrameError,
    FrameErrorReason,
    FrameResult,
    FrameStatus,
    RegionScores,
    Scored,
    Timings,
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.EmptyImage("e"), FrameErrorReason.EMPTY_IMAGE),
        (errors.UnsupportedFormat("e"), FrameErrorReason.UNSUPPORTED_FORMAT),
        (errors.UndecodableImage("e"), FrameErrorReason.UNDECODABLE_IMAGE),
        (errors.InvalidRawImage("e"), FrameErrorReason.INVALID_RAW_IMAGE),
        (errors.ImageTooLarge("", limit="", maximum=1, actual=2), FrameErrorReason.IMAGE_TOO_LARGE),
        (errors.FrameOutOfOrder("e"), FrameErrorReason.OUT_OF_ORDER),
        (errors.InternalError("e"), FrameErrorReason.INTERNAL),
        (errors.ServerDraining("e"), FrameErrorReason.INTERNAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, FramewatchError) else None,
)
def test_frame_errors_have_reasons(error: FramewatchError, reason: FrameErrorReason) -> None:
    assert FrameError.of(error) == FrameError(reason, error.message)


SCORES = (LabelScore("box", 0.75, 0.25), LabelScore("cup", 0.25, 0.125))
TIMINGS = Timings(1_000_000_000, 2_500_000_000, 500_000_000, 3)


def test_a_scored_frame() -> None:
    regions = (RegionScores("left", SCORES), RegionScores("right", ()))
    result = FrameResult(3, 1_500_000_000, 1, Scored(regions, TIMINGS, 0))
    assert (result.status, result.time_s, result.regions) == (FrameStatus.SCORED, 1.5, regions)
    assert (result.scores, result.best, result.timings, result.reused_frame_id) == (SCORES, SCORES[0], TIMINGS, 0)
    assert (result.drop_reason, result.error) == (None, None)
    assert (TIMINGS.decode_s, TIMINGS.queue_s, TIMINGS.inference_s) == (1.0, 2.5, 0.5)


@pytest.mark.parametrize(
    ("outcome", "status", "drop_reason", "error"),
    [
        (Dropped(DropReason.OVERFLOW), FrameStatus.DROPPED, DropReason.OVERFLOW, None),
        (Dropped(None), FrameStatus.DROPPED, None, None),
        (Failed(FrameError(None, "e")), FrameStatus.FAILED, None, FrameError(None, "e")),
        (None, FrameStatus.UNKNOWN, None, None),
    ],
    ids=["dropped", "for an unknown reason", "failed", "unknown"],
)
def test_a_frame_without_scores(
    outcome: Dropped | Failed | None, status: FrameStatus, drop_reason: DropReason | None, error: FrameError | None
) -> None:
    result = FrameResult(3, 0, 1, outcome)
    assert (result.status, result.drop_reason, result.error) == (status, drop_reason, error)
    assert (result.regions, result.scores, result.best, result.timings, result.reused_frame_id) == (
        (),
        (),
        None,
        None,
        None,
    )
