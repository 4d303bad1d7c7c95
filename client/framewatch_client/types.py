"""Arguments of the clients: images, labels, rules and the items of streams; and reports of a stream's state."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from framewatch_client.errors import FramewatchCallError
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.rules.rule import EventRule
from framewatch_core.stream.messages import Explanation, StreamStarted


@runtime_checkable
class PILImage(Protocol):
    """The part of a `PIL.Image.Image` that is used; the client does not need Pillow."""

    mode: str
    size: tuple[int, int]

    def convert(self, mode: str, /) -> PILImage:
        """Returns the image in another mode."""

    def tobytes(self) -> bytes:
        """Returns the pixels, rows from top to bottom."""

    def getexif(self) -> Any:
        """Returns the EXIF tags."""


ImageLike = str | os.PathLike[str] | bytes | bytearray | memoryview | npt.NDArray[np.uint8] | PILImage
"""An image: the path or the bytes of a JPEG, PNG or WebP file; a uint8 array as OpenCV returns them, `[height, width]`
grey, `[height, width, 3]` BGR or `[height, width, 4]` BGRA; or a PIL image."""

LabelsLike = LabelSet | Sequence[str | Label] | str
"""A label set, or labels, or their names."""

RuleLike = EventRule | str
"""A rule, or its short form `LABEL:ENTER[:EXIT[:MIN_PRESENT_S[:MIN_ABSENT_S]]]`."""

RegionLike = Region | str
"""A part of the frame, or its short form `ID=X,Y,WIDTH,HEIGHT` in fractions of the frame."""


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The connection was lost and is back.

    Attributes:
        error: the error that it was lost with.
        lost_s: how long it was lost, in seconds.
        started: the server's answer. Not `resumed`: it no longer had the stream, and its rules have started afresh.

    """

    error: FramewatchCallError
    lost_s: float
    started: StreamStarted


@dataclass(frozen=True, slots=True)
class Frame:
    """An image to send, with its time and number.

    Attributes:
        image: the image.
        time_s: frame time since an origin of your choice, in seconds, not negative, never going back; for every frame
            of a stream or for none. None: the time at which the server receives the frame.
        frame_id: its number, increasing from frame to frame; None: one more than that of the frame before, from 0.

    """

    image: ImageLike
    time_s: float | None = None
    frame_id: int | None = None


@dataclass(frozen=True, slots=True)
class Explain:
    """Item among the frames that asks how near the rules are to their next events.

    Attributes:
        on_answer: called with the answer once all frames before have their outcomes; must not block.

    """

    on_answer: Callable[[Explanation], object]


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """Item among the frames that replaces labels and rules for the frames after it; all else stays as it was.

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
"""Item of a stream's source: an image alone or with its time in seconds, a Frame, a Reconfigure, or an Explain."""
