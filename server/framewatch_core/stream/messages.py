"""Messages into a stream and out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from framewatch_core.errors import FrameOutOfOrder, FramewatchError
from framewatch_core.health.events import HealthEvent
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.resume_point import ResumePoint
from framewatch_core.rules.events import Event
from framewatch_core.rules.explanations import RuleExplanation
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.results import FrameResult
from framewatch_core.time import NS_PER_S

ImageT = TypeVar("ImageT")


@dataclass(frozen=True, slots=True)
class ReceivedFrame(Generic[ImageT]):
    """Frame of a stream as the server received it.

    Attributes:
        frame_id: the client's number.
        time_ns: frame time since the client's origin; None: the time of arrival counts; an error: it can't be read.
        image: the image, or why there is none.
        image_bytes: the image's size.

    """

    frame_id: int
    time_ns: int | FrameOutOfOrder | None
    image: ImageT | FramewatchError
    image_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Started:
    """The session accepted the first config; `resumed`: the stream goes on from one that was lost."""

    config: StreamConfig
    config_version: int
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The server accepted the first config.

    Attributes:
        model: name of the model that scores the frames.
        config_version: 1.
        useful_short_side: frames whose shorter side has more pixels can be shrunk to it; 0: not known.
        in_flight_frame_count: frames without a result that a client should have sent at most; 0: not known.
        max_image_bytes: the server's limit on the bytes of an image; 0: not known.
        resume_token: token with which another stream can take over should this one be lost; empty: none can.
        resume_lifetime_ns: how long after its loss the server lets this stream be resumed; 0: not at all.
        resumed: True: the stream goes on from the one that was lost, with its rules as they were.
        resume_point: position at the stream's start, for `stream(resume=...)`; set by clients. None: the server can't
            resume the stream.
        weights_digest: of the model's weights; empty: unknown, as servers of earlier versions did not give it.

    """

    model: str
    config_version: int = 1
    useful_short_side: int = 0
    in_flight_frame_count: int = 0
    max_image_bytes: int = 0
    resume_token: str = field(default="", repr=False)
    resume_lifetime_ns: int = 0
    resumed: bool = False
    resume_point: ResumePoint | None = field(default=None, compare=False, repr=False)
    weights_digest: str = ""

    @property
    def resume_lifetime_s(self) -> float:
        """Time after its loss for which this stream can be resumed, in seconds; 0: it can't be."""
        return self.resume_lifetime_ns / NS_PER_S


@dataclass(frozen=True, slots=True)
class Explanation:
    """Explanations of all rules, in the config's order."""

    rules: tuple[RuleExplanation, ...]


@dataclass(frozen=True, slots=True)
class ConfigWarnings:
    """Remarks on the config of that version; at least one."""

    config_version: int
    warnings: tuple[RequestWarning, ...]


StreamResult = FrameResult | Event | HealthEvent
"""Items that a client's stream yields."""

Output = Started | FrameResult | Event | HealthEvent | Explanation | ConfigWarnings
"""Outputs of a session."""

StreamResponse = StreamStarted | FrameResult | Event | HealthEvent | Explanation | ConfigWarnings
"""Messages from the server on a stream."""
