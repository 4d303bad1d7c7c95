"""Enums: members of core's by name, numbers of the .proto's."""

from __future__ import annotations

from enum import Enum
from typing import Generic, TypeVar, cast

from google.protobuf.descriptor import EnumDescriptor

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.health.events import HealthEventKind
from framewatch_core.health.problem import HealthProblem
from framewatch_core.images.image import PixelFormat
from framewatch_core.labels.scoring import ScoreFunction, ScoreKind
from framewatch_core.rules.events import EventKind, ExitReason
from framewatch_core.rules.explanations import HeldBackBy
from framewatch_core.stream.config import OverflowPolicy
from framewatch_core.stream.results import DropReason, FrameErrorReason

MemberT = TypeVar("MemberT", bound=Enum)
NumberT = TypeVar("NumberT", bound=int)


class EnumCodec(Generic[MemberT, NumberT]):
    """Members of one enum and their numbers; a member's name in the .proto is its own behind the enum's prefix."""

    def __init__(
        self, members: type[MemberT], numbers: EnumDescriptor, prefix: str, *, none: str = "UNSPECIFIED"
    ) -> None:
        """Creates the codec. `none`: name of the number that stands for None."""
        names: dict[MemberT | None, str] = {None: none, **{member: member.name for member in members}}
        self._numbers: dict[MemberT | None, NumberT] = {
            member: cast("NumberT", numbers.values_by_name[f"{prefix}_{name}"].number) for member, name in names.items()
        }
        self._members: dict[int, MemberT] = {
            number: member for member, number in self._numbers.items() if member is not None
        }

    def to_proto(self, member: MemberT | None) -> NumberT:
        """Returns the number of a member; of None the one that stands for it."""
        return self._numbers[member]

    def from_proto(self, number: int) -> MemberT | None:
        """Returns the member of a number; None for the one that stands for it and for those that are not known."""
        return self._members.get(number)


DROP_REASONS: EnumCodec[DropReason, pb.DropReason.ValueType] = EnumCodec(
    DropReason, pb.DropReason.DESCRIPTOR, "DROP_REASON"
)
EVENT_KINDS: EnumCodec[EventKind, pb.EventKind.ValueType] = EnumCodec(EventKind, pb.EventKind.DESCRIPTOR, "EVENT_KIND")
EXIT_REASONS: EnumCodec[ExitReason, pb.ExitReason.ValueType] = EnumCodec(
    ExitReason, pb.ExitReason.DESCRIPTOR, "EXIT_REASON"
)
FRAME_ERROR_REASONS: EnumCodec[FrameErrorReason, pb.FrameErrorReason.ValueType] = EnumCodec(
    FrameErrorReason, pb.FrameErrorReason.DESCRIPTOR, "FRAME_ERROR_REASON"
)
HEALTH_EVENT_KINDS: EnumCodec[HealthEventKind, pb.HealthEventKind.ValueType] = EnumCodec(
    HealthEventKind, pb.HealthEventKind.DESCRIPTOR, "HEALTH_EVENT_KIND"
)
HEALTH_PROBLEMS: EnumCodec[HealthProblem, pb.HealthProblem.ValueType] = EnumCodec(
    HealthProblem, pb.HealthProblem.DESCRIPTOR, "HEALTH_PROBLEM", none="NONE"
)
HELD_BACK_BY: EnumCodec[HeldBackBy, pb.HeldBackBy.ValueType] = EnumCodec(
    HeldBackBy, pb.HeldBackBy.DESCRIPTOR, "HELD_BACK_BY"
)
OVERFLOW_POLICIES: EnumCodec[OverflowPolicy, pb.OverflowPolicy.ValueType] = EnumCodec(
    OverflowPolicy, pb.OverflowPolicy.DESCRIPTOR, "OVERFLOW_POLICY"
)
PIXEL_FORMATS: EnumCodec[PixelFormat, pb.PixelFormat.ValueType] = EnumCodec(
    PixelFormat, pb.PixelFormat.DESCRIPTOR, "PIXEL_FORMAT"
)
SCORE_FUNCTIONS: EnumCodec[ScoreFunction, pb.ScoreFunction.ValueType] = EnumCodec(
    ScoreFunction, pb.ScoreFunction.DESCRIPTOR, "SCORE_FUNCTION"
)
SCORE_KINDS: EnumCodec[ScoreKind, pb.ScoreKind.ValueType] = EnumCodec(ScoreKind, pb.ScoreKind.DESCRIPTOR, "SCORE_KIND")
