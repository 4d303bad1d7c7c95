"""Options of a stream: their names and types for callers, their defaults and checks for the client.

Callers write keywords, which the TypedDicts type. The client hands them on as frozen dataclasses. Both have the same
names and types, which a test holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypedDict, TypeVar, Unpack

from framewatch_client._inputs import check_keywords, event_rules, finite_ns, label_set, stream_regions
from framewatch_client._warnings import log_warning
from framewatch_client.errors import InvalidValue
from framewatch_client.types import LabelsLike, Reconnected, RegionLike, RuleLike
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.resume_point import ResumePoint
from framewatch_core.rules.rule import DEFAULT_MAX_FRAME_GAP_NS
from framewatch_core.stream.config import OverflowPolicy, StreamConfig
from framewatch_core.stream.messages import StreamStarted
from framewatch_core.stream.reuse import DEFAULT_MAX_AGE_NS, ReusePolicy

DEFAULT_JPEG_QUALITY: Final = 90
DEFAULT_RECONNECT_TIMEOUT_S: Final = 60.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

T = TypeVar("T")


class WatchKeywords(TypedDict, total=False):
    """Keywords that state what a stream watches for.

    Attributes:
        rules: when ENTERED and EXITED are emitted: `EventRule`s or their short form `box:0.8:0.5`; none: scores only.
        regions: parts of the frame that are scored by themselves, up to 64: `Region`s or their short form
            `left=0.06,0.28,0.17,0.62`; none: the whole frame.
        health: when pictures are not trusted; None: the default policy.
        templates: sentences with `{label}`; None: the default `a photo of {label}`; empty: names verbatim.
        overflow: the server's treatment of frames that arrive faster than it scores them: BLOCK slows the source,
            DROP_OLDEST keeps the delay bounded (for live sources).
        top_count: how many labels a result carries, best first; 0: all. Rules are given all of them.
        max_frame_rate: frames a second in frame time above which the server drops some; None: no limit.
        max_frame_gap_s: the longest gap between scored frames that counts towards rules' minimum times; None: 10 s.
        origin_time: the wall time, with its zone, of frame time 0: events then carry wall times.
        model: one of the server's; empty: its default.
        change_threshold: a frame that differs by less than this from the last one that the model scored gets its
            scores, at next to no cost; 0 to 1, about 0.05 for most cameras. 0: only a frame that is the same file.
        max_reuse_age_s: the model scores a frame at least this often, in frame time; 0: every frame; None: 10 s.

    """

    rules: Iterable[RuleLike]
    regions: Iterable[RegionLike]
    health: HealthPolicy | None
    templates: Sequence[str] | None
    overflow: OverflowPolicy
    top_count: int
    max_frame_rate: float | None
    max_frame_gap_s: float | None
    origin_time: datetime | None
    model: str
    change_threshold: float
    max_reuse_age_s: float | None


class SendKeywords(TypedDict, total=False):
    """Keywords that state how frames are sent.

    Attributes:
        jpeg_quality: 1 to 100, of frames that are sent as JPEG: all that are pixels or had to be shrunk. None: raw.
        downscale: False: larger frames are not shrunk to the size that the server needs.
        window: frames without a result at most; None: the server's number. Never more than that. The source also waits
            while frames, `Explain`s and `Reconfigure`s without an answer have 128 MiB or more, or there are 64
            `Explain`s among them. Of several `Reconfigure`s in a row, the last one is kept.
        resume: the `resume_point` of the last item of an earlier stream that was lost. This one goes on from there if
            the server still has its state (for 60 s, if not set otherwise), else anew: see `StreamStarted.resumed`.
            `frames` begin with the frame after `last_frame_id`, and are numbered on from it unless they have numbers.
        reconnect_timeout_s: for how long to try to reach the server again when the connection is lost, or the server
            drains; 0 or None: not at all. Times without a connection add up until a frame has its result: a server that
            accepts each stream and ends it without a result is given up too. A stream that never started is not tried
            again.

    """

    jpeg_quality: int | None
    downscale: bool
    window: int | None
    resume: ResumePoint | None
    reconnect_timeout_s: float | None


class NotifyKeywords(TypedDict, total=False):
    """Keywords that state which functions are called while a stream runs. They must not block.

    Attributes:
        on_started: called once with the server's answer to the config; not again after a reconnect.
        on_reconnect: called when the connection is back, with the server's answer: if the server had lost the stream's
            state, `started.resumed` is False and rules have started anew.
        on_warning: called with each part of a config that may not work as it was meant, such as a label that the model
            reads only in part; once, also when the connection is lost on the way. By default the logger
            `framewatch_client` logs it.

    """

    on_started: Callable[[StreamStarted], object] | None
    on_reconnect: Callable[[Reconnected], object] | None
    on_warning: Callable[[RequestWarning], object]


class StreamKeywords(WatchKeywords, SendKeywords, NotifyKeywords, total=False):
    """Keywords of `stream`: those of `WatchKeywords`, `SendKeywords` and `NotifyKeywords`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """Options that state what a stream watches for besides its labels; attributes: see `WatchKeywords`."""

    rules: Iterable[RuleLike] = ()
    regions: Iterable[RegionLike] = ()
    health: HealthPolicy | None = None
    templates: Sequence[str] | None = None
    overflow: OverflowPolicy = OverflowPolicy.BLOCK
    top_count: int = 0
    max_frame_rate: float | None = None
    max_frame_gap_s: float | None = None
    origin_time: datetime | None = None
    model: str = ""
    change_threshold: float = 0.0
    max_reuse_age_s: float | None = None

    def config(self, labels: LabelsLike) -> StreamConfig:
        """Returns the stream's config, checked as the server checks it.

        Raises:
            InvalidRequest, LimitExceeded: with the field's path.
            InvalidValue: an option, or a rule's or region's short form, can't be used.

        """
        gap_s, age_s = self.max_frame_gap_s, self.max_reuse_age_s
        return StreamConfig(
            label_set=label_set(labels, self.templates),
            rules=event_rules(self.rules),
            regions=stream_regions(self.regions),
            health=self.health or HealthPolicy(),
            overflow_policy=self.overflow,
            top_count=self.top_count,
            max_frame_rate=self.max_frame_rate,
            max_frame_gap_ns=DEFAULT_MAX_FRAME_GAP_NS if gap_s is None else finite_ns("max_frame_gap_s", gap_s),
            origin_time_ns=None if self.origin_time is None else _since_epoch_ns(self.origin_time),
            model=self.model,
            reuse=ReusePolicy(
                self.change_threshold,
                DEFAULT_MAX_AGE_NS if age_s is None else finite_ns("max_reuse_age_s", age_s),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SendOptions:
    """Options that state how frames are sent; attributes: see `SendKeywords`. Raises InvalidValue."""

    jpeg_quality: int | None = DEFAULT_JPEG_QUALITY
    downscale: bool = True
    window: int | None = None
    resume: ResumePoint | None = None
    reconnect_timeout_s: float | None = DEFAULT_RECONNECT_TIMEOUT_S

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 1:
            raise InvalidValue(f"window is {self.window}: expected at least 1 frame, or None")
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise InvalidValue(f"jpeg_quality is {self.jpeg_quality}: expected 1 to 100, or None for raw pixels")
        if self.reconnect_timeout_s is not None and not self.reconnect_timeout_s >= 0:
            raise InvalidValue(f"reconnect_timeout_s is {self.reconnect_timeout_s}: expected 0 or more, or None")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyOptions:
    """Functions that are called while a stream runs; attributes: see `NotifyKeywords`."""

    on_started: Callable[[StreamStarted], object] | None = None
    on_reconnect: Callable[[Reconnected], object] | None = None
    on_warning: Callable[[RequestWarning], object] = log_warning


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOptions:
    """All options of a stream.

    Attributes:
        watch: what to watch for.
        send: how to send it.
        notify: the functions that are called.

    """

    watch: WatchOptions
    send: SendOptions
    notify: NotifyOptions

    @classmethod
    def of(cls, keywords: StreamKeywords) -> StreamOptions:
        """Returns the options that a caller wrote as keywords. Raises InvalidType for an unknown one, InvalidValue."""
        check_keywords("a stream", keywords, StreamKeywords)
        return cls(
            watch=_part(WatchOptions, WatchKeywords, keywords),
            send=_part(SendOptions, SendKeywords, keywords),
            notify=_part(NotifyOptions, NotifyKeywords, keywords),
        )


def _part(kind: Callable[..., T], names: type[object], keywords: StreamKeywords) -> T:
    """Returns the options of one kind. `names`: the TypedDict of its keywords."""
    return kind(**{name: value for name, value in keywords.items() if name in names.__annotations__})


def stream_config(labels: LabelsLike, **options: Unpack[WatchKeywords]) -> StreamConfig:
    """Returns a stream's config, checked as the server checks it.

    Args:
        labels: a `LabelSet`, or `Label`s, or their names.
        **options: see `WatchKeywords`.

    Raises:
        InvalidRequest, LimitExceeded: with the field's path.
        InvalidType: an option is unknown.
        InvalidValue: an option, or a rule's or region's short form, can't be used.

    """
    check_keywords("a config", options, WatchKeywords)
    return WatchOptions(**options).config(labels)


def _since_epoch_ns(time: datetime) -> int:
    if time.tzinfo is None:
        raise InvalidValue("origin_time has no time zone: give one, such as datetime.now(UTC)")
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000
