"""Frames that show nothing new are scored by the embedding of the last frame of their stream that was embedded.

A frame is judged as soon as it can be: before it is decoded by whether it is the same file, after it by whether it
shows anything new. One that shows nothing new follows the embedded frame, its leader: it gets the leader's embedding at
once or, while that is still being computed, together with it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from framewatch_core.arrays import Float32Array
from framewatch_core.images.image import Image
from framewatch_core.images.statistics import PictureStats
from framewatch_core.stream.reuse import ReusePolicy, Thumbnail
from framewatch_core.time import Moment
from framewatch_server.vision.pixels.view import WHOLE, View

# Larger images are not compared byte by byte, since every stream would have to keep one.
MAX_KEPT_BYTES = 1024 * 1024

FollowerT = TypeVar("FollowerT")
Verdict: TypeAlias = tuple[FollowerT, "Leader | None"]


@dataclass(frozen=True, slots=True, eq=False)
class Leader:
    """The frame to follow.

    Attributes:
        frame_id: its number.
        vectors: what the encoder gave for it; None: it is being computed, and comes when the leader is settled.
        pictures: see `Embedded`.

    """

    frame_id: int
    vectors: Float32Array | None
    pictures: Mapping[str, PictureStats]


class Look(Generic[FollowerT]):
    """A frame as its stream's memory has it; made by `FrameMemory.look`."""

    __slots__ = ("followers", "image", "moment", "number", "pictures", "policy", "thumbnail", "vectors", "view")

    def __init__(self, number: int, policy: ReusePolicy, moment: Moment, image: Image, view: View) -> None:
        self.number = number
        self.view = view
        self.policy = policy
        self.moment = moment
        self.image = image if len(image.data) <= MAX_KEPT_BYTES else None
        self.thumbnail: Thumbnail | None = None
        self.pictures: Mapping[str, PictureStats] = {}
        self.vectors: Float32Array | None = None
        self.followers: list[FollowerT] = []

    def as_leader(self) -> Leader:
        """What those that follow it need."""
        return Leader(self.moment.frame_id, self.vectors, self.pictures)

    def may_follow(self, leader: Look[FollowerT]) -> bool:
        """Whether the leader's embedding is of the same regions, and not too old for this frame."""
        return self.view == leader.view and self.policy.allows_age(self.moment.time_ns - leader.moment.time_ns)

    def is_same_image(self, leader: Look[FollowerT]) -> bool:
        """Whether the images are the same to the byte."""
        return self.image is not None and self.image == leader.image

    def shows_nothing_new(self, leader: Look[FollowerT]) -> bool:
        """Whether the change is less than the policy's threshold."""
        if self.thumbnail is None or leader.thumbnail is None:
            return False
        return self.policy.allows_change(leader.thumbnail, self.thumbnail)


class FrameMemory(Generic[FollowerT]):
    """One stream's last embedded frame; decode threads share it.

    Frames are decoded side by side but judged in the order of their looks, each once, so that what is embedded depends
    on the frames alone. Each look must therefore come to `judge` or to `skip`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leader: Look[FollowerT] | None = None
        self._look_count = 0
        self._turn = 0
        self._early: dict[int, tuple[Look[FollowerT], FollowerT] | None] = {}

    def look(self, policy: ReusePolicy, moment: Moment, image: Image, view: View = WHOLE) -> Look[FollowerT]:
        """The look of the stream's next frame."""
        number, self._look_count = self._look_count, self._look_count + 1
        return Look(number, policy, moment, image, view)

    def recall(self, look: Look[FollowerT], follower: FollowerT) -> Leader | None:
        """Before decoding: the frame of the same image, followed from now on; None also while others come first."""
        with self._lock:
            leader = self._leader
            if leader is None or look.number != self._turn:
                return None
            if not look.may_follow(leader) or not look.is_same_image(leader):
                return None
            return self._follow(leader, follower)

    def judge(self, look: Look[FollowerT], follower: FollowerT) -> list[Verdict[FollowerT]]:
        """After decoding: those whose turn has come, each with its leader; None: it leads from now on."""
        return self._take_turn(look.number, (look, follower))

    def skip(self, look: Look[FollowerT]) -> list[Verdict[FollowerT]]:
        """A look that needs no judgement; the others whose turn has come as in `judge`."""
        return self._take_turn(look.number, None)

    def settle(self, look: Look[FollowerT], vectors: Float32Array | None) -> list[FollowerT]:
        """Takes a frame's vectors, or None: they could not be had. Returns those who waited for them."""
        with self._lock:
            # a copy: they are rows of their whole batch
            look.vectors = None if vectors is None else vectors.copy()
            if vectors is None and self._leader is look:
                self._leader = None
            followers, look.followers = look.followers, []
            return followers

    def _take_turn(self, number: int, early: tuple[Look[FollowerT], FollowerT] | None) -> list[Verdict[FollowerT]]:
        with self._lock:
            self._early[number] = early
            verdicts = []
            while self._turn in self._early:
                come = self._early.pop(self._turn)
                self._turn += 1
                if come is not None:
                    verdicts.append((come[1], self._follow_or_lead(*come)))
            return verdicts

    def _follow_or_lead(self, look: Look[FollowerT], follower: FollowerT) -> Leader | None:
        leader = self._leader
        if (
            leader is not None
            and look.may_follow(leader)
            and (look.is_same_image(leader) or look.shows_nothing_new(leader))
        ):
            return self._follow(leader, follower)
        self._leader = look
        return None

    @staticmethod
    def _follow(leader: Look[FollowerT], follower: FollowerT) -> Leader:
        if leader.vectors is None:
            leader.followers.append(follower)
        return leader.as_leader()


@dataclass(frozen=True, slots=True, eq=False)
class Recall(Generic[FollowerT]):
    """A frame's look and the memory that it belongs to. The look doesn't know it, or each would keep the other."""

    memory: FrameMemory[FollowerT]
    look: Look[FollowerT]
