"""What the clients return: plain data, times in seconds."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_client.answers import Timings
from framewatch_client.errors import FramewatchCallError
from framewatch_core.health.monitor import HealthPolicy, HealthProblem
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.explanations import HeldBackBy
from framewatch_core.rules.rule import EventKind, EventRule
from framewatch_core.stream.messages import DropReason, RegionScores
from framewatch_core.stream.resume import ResumePoint


@runtime_checkable
class PILImage(Protocol):
    """What is used of a `PIL.Image.Image`; the client does not need Pillow."""

    mode: str
    size: tuple[int, int]

    def convert(self, mode: str, /) -> PILImage:
        """The image in another mode."""

    def tobytes(self) -> bytes:
        """The pixels, rows from top to bottom."""

    def getexif(self) -> Any:
        """The EXIF tags."""


ImageLike = str | os.PathLike[str] | bytes | bytearray | memoryview | npt.NDArray[np.uint8] | PILImage
"""A picture: the path or the bytes of a JPEG, PNG or WebP file; a uint8 array as OpenCV gives them, `[height, width]`
grey, `[height, width, 3]` BGR or `[height, width, 4]` BGRA; or a PIL image."""

LabelsLike = LabelSet | Sequence[str | Label] | str
"""A label set, or labels, or their names."""

RuleLike = EventRule | str
"""A rule, or its short form `LABEL:ENTER[:EXIT[:MIN_PRESENT_S[:MIN_ABSENT_S]]]`."""

RegionLike = Region | str
"""A part of the frame, or its short form `ID=X,Y,WIDTH,HEIGHT` in fractions of the frame."""


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The server took the first config.

    Attributes:
        model: the model that scores the frames.
        config_version: 1.
        useful_short_side: frames whose shorter side has more pixels may be shrunk to it; 0: not said.
        in_flight_frame_count: how many frames without a result are worth sending; 0: not said.
        max_image_bytes: the server's limit on a picture's bytes; 0: not said.
        message: the response as it came.
        resumed: whether the stream goes on from the one that was lost, with its rules as they were.
        resume_lifetime_s: for how long after its loss the server lets this stream be resumed; 0: not at all.
        resume_point: give it to `stream(resume=...)` to go on from here; None: the server can't resume streams.

    """

    model: str
    config_version: int
    useful_short_side: int
    in_flight_frame_count: int
    max_image_bytes: int
    message: pb.StreamFramesResponse = field(repr=False, compare=False)
    resumed: bool = False
    resume_lifetime_s: float = 0.0
    resume_point: ResumePoint | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The connection was lost and is back.

    Attributes:
        error: what it was lost by.
        lost_s: for how long, in seconds.
        started: the server's answer. Not `resumed`: it had the stream no more, and rules have started anew.

    """

    error: FramewatchCallError
    lost_s: float
    started: StreamStarted


class FrameStatus(Enum):
    """What became of a frame. UNKNOWN: something that a later server knows and this client doesn't."""

    SCORED = auto()
    DROPPED = auto()
    FAILED = auto()
    UNKNOWN = auto()


class FrameErrorReason(Enum):
    """Why a frame could not be scored; see `FrameErrorReason` in the .proto."""

    EMPTY_IMAGE = auto()
    UNSUPPORTED_FORMAT = auto()
    UNDECODABLE_IMAGE = auto()
    IMAGE_TOO_LARGE = auto()
    INVALID_RAW_IMAGE = auto()
    OUT_OF_ORDER = auto()
    INTERNAL = auto()


@dataclass(frozen=True, slots=True)
class FrameError:
    """Why a frame could not be scored. `reason`: None if this client doesn't know it; `message`: for a person."""

    reason: FrameErrorReason | None
    message: str


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What became of a frame.

    Attributes:
        frame_id: the frame's number.
        time_s: the frame's time since the origin, in seconds.
        config_version: of the config that counted for it; from 1.
        status: whether it was scored, dropped or failed.
        regions: SCORED: what each region shows, in the config's order; without regions one, the whole frame.
        drop_reason: DROPPED: why, if this client knows the reason.
        error: FAILED: why.
        timings: SCORED: where the time went.
        reused_frame_id: SCORED: the earlier frame whose embedding was scored, since nothing had changed; None: its own.
        message: the response as it came.
        resume_point: give it to `stream(resume=...)` to go on after this; None: the server can't resume streams.

    """

    frame_id: int
    time_s: float
    config_version: int
    status: FrameStatus
    regions: tuple[RegionScores, ...]
    drop_reason: DropReason | None
    error: FrameError | None
    timings: Timings | None
    reused_frame_id: int | None
    message: pb.StreamFramesResponse = field(repr=False, compare=False)
    resume_point: ResumePoint | None = field(default=None, repr=False, compare=False)

    @property
    def scores(self) -> tuple[LabelScore, ...]:
        """SCORED: of the first region, best first, as many as asked for; else empty."""
        return self.regions[0].scores if self.regions else ()

    @property
    def best(self) -> LabelScore | None:
        """The first region's most probable label's score; None if the frame was not scored."""
        return self.scores[0] if self.scores else None


@dataclass(frozen=True, slots=True)
class TrailPoint:
    """A score that led to an event: the frame, its time in seconds, its score and what the rule made of it."""

    frame_id: int
    time_s: float
    score: float
    smoothed_score: float


@dataclass(frozen=True, slots=True)
class EventTrail:
    """What led to an event.

    Attributes:
        points: the rule's last scores, oldest first.
        runner_up: the best other label in the frame that completed the event.
        enter_at: the rule's threshold.
        exit_below: see enter_at.

    """

    points: tuple[TrailPoint, ...]
    runner_up: LabelScore | None
    enter_at: float
    exit_below: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something appeared or went. ENTERED and EXITED of a rule alternate, beginning with ENTERED.

    SUSPENDED and RESUMED are of all rules of a region: its pictures can't be gone by, or can be again.

    Attributes:
        event_id: unique over all streams and servers.
        kind: what happened.
        rule_id, label: the rule that saw it and its label; empty for SUSPENDED and RESUMED.
        region: the region's id; empty for the whole frame.
        frame_id, time_s: the frame that completed it and its time in seconds.
        began_frame_id, began_time_s: when it truly began: the first frame of the run that satisfied the rule.
        score: of the frame that completed it, of the rule's kind.
        peak_score: the highest since it began (ENTERED), while it was present (EXITED).
        present_s: EXITED: how long it was present, in seconds; else None.
        sparse: whether frames were missing where it mattered, so that it may have begun earlier.
        problem: SUSPENDED: what is wrong with the pictures, if this client knows it.
        trail: what led to it, if the rule asks for trails.
        wall_time, began_wall_time: the same moments in UTC, if the stream has an `origin_time`.
        message: the response as it came.
        resume_point: as a FrameResult's.

    """

    event_id: str
    kind: EventKind
    rule_id: str
    label: str
    frame_id: int
    time_s: float
    began_frame_id: int
    began_time_s: float
    score: float
    peak_score: float
    present_s: float | None
    region: str
    sparse: bool
    problem: HealthProblem | None
    trail: EventTrail | None
    wall_time: datetime | None
    began_wall_time: datetime | None
    message: pb.StreamFramesResponse = field(repr=False, compare=False)
    resume_point: ResumePoint | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture to send.

    Attributes:
        image: the picture.
        time_s: since an origin of your choice, in seconds, not negative, never going back; for every frame of a stream
            or for none. None: the time at which the server gets it.
        frame_id: its number, rising from frame to frame; None: one more than the frame's before it, from 0.

    """

    image: ImageLike
    time_s: float | None = None
    frame_id: int | None = None


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """How near a rule is to its next event, since the last one or the first frame.

    Attributes:
        rule_id, label, region: the rule.
        next_kind: what it waits for, ENTERED or EXITED; None: something that this client doesn't know.
        frame_count: frames that it has seen.
        score: the last one as the rule saw it.
        nearest_score: the one that came nearest.
        nearest_frame_id, nearest_time_s: the frame that had it; None: there was none.
        threshold: the score that is needed.
        longest_held_s: the longest time that scores were past it on end, in seconds.
        needed_s: the time that is needed.
        held_back_by: what holds it back; None: something that this client doesn't know.
        message: the same as a sentence for people, with what to try.

    """

    rule_id: str
    label: str
    region: str
    next_kind: EventKind | None
    frame_count: int
    score: float | None
    nearest_score: float | None
    nearest_frame_id: int | None
    nearest_time_s: float | None
    threshold: float
    longest_held_s: float
    needed_s: float
    held_back_by: HeldBackBy | None
    message: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to an Explain, when all frames before it have their outcomes.

    Attributes:
        rules: in the config's order.
        message: the response as it came.

    """

    rules: tuple[RuleExplanation, ...]
    message: pb.StreamFramesResponse = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Explain:
    """Put among the frames: asks how near the rules are to their next events.

    Attributes:
        on_answer: called with the answer once all frames before have their outcomes; must not block.

    """

    on_answer: Callable[[Explanation], object]


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """Put among the frames: from the next one on, watch for this instead. All else of the stream stays as it was.

    A rule that equals an earlier one, its label and its region included, keeps its state.

    Attributes:
        labels: as in `stream`.
        rules: as in `stream`.
        templates: as in `stream`.
        regions: as in `stream`; None: as before.
        health: as in `stream`; None: as before.

    """

    labels: LabelsLike
    rules: Sequence[RuleLike] = ()
    templates: Sequence[str] | None = None
    regions: Sequence[RegionLike] | None = None
    health: HealthPolicy | None = None


StreamItem = Frame | Reconfigure | Explain | ImageLike | tuple[ImageLike, float]
"""What a stream's source may yield: a picture alone or with its time in seconds, a Frame, a Reconfigure, an Explain."""
