from __future__ import annotations

from enum import Enum

import pytest
from google.protobuf.descriptor import EnumDescriptor

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.errors import FramewatchError, InternalError
from framewatch_core.health.problem import HealthProblem
from framewatch_wire import enums
from framewatch_wire.enums import EnumCodec

CODECS: dict[str, tuple[EnumCodec[Enum, int], EnumDescriptor]] = {
    "DROP_REASONS": (enums.DROP_REASONS, pb.DropReason.DESCRIPTOR),  # type: ignore[dict-item]
    "EVENT_KINDS": (enums.EVENT_KINDS, pb.EventKind.DESCRIPTOR),  # type: ignore[dict-item]
    "FRAME_ERROR_REASONS": (enums.FRAME_ERROR_REASONS, pb.FrameErrorReason.DESCRIPTOR),  # type: ignore[dict-item]
    "HEALTH_EVENT_KINDS": (enums.HEALTH_EVENT_KINDS, pb.HealthEventKind.DESCRIPTOR),  # type: ignore[dict-item]
    "HEALTH_PROBLEMS": (enums.HEALTH_PROBLEMS, pb.HealthProblem.DESCRIPTOR),  # type: ignore[dict-item]
    "HELD_BACK_BY": (enums.HELD_BACK_BY, pb.HeldBackBy.DESCRIPTOR),  # type: ignore[dict-item]
    "OVERFLOW_POLICIES": (enums.OVERFLOW_POLICIES, pb.OverflowPolicy.DESCRIPTOR),  # type: ignore[dict-item]
    "PIXEL_FORMATS": (enums.PIXEL_FORMATS, pb.PixelFormat.DESCRIPTOR),  # type: ignore[dict-item]
    "SCORE_FUNCTIONS": (enums.SCORE_FUNCTIONS, pb.ScoreFunction.DESCRIPTOR),  # type: ignore[dict-item]
    "SCORE_KINDS": (enums.SCORE_KINDS, pb.ScoreKind.DESCRIPTOR),  # type: ignore[dict-item]
}


@pytest.mark.parametrize(("codec", "numbers"), CODECS.values(), ids=CODECS.keys())
def test_every_number_of_the_contract_has_a_member_and_comes_back(
    codec: EnumCodec[Enum, int], numbers: EnumDescriptor
) -> None:
    stands_for_none = {0, codec.to_proto(None)}
    for value in numbers.values:
        member = codec.from_proto(value.number)
        assert (member is None) == (value.number in stands_for_none), value.name
        assert member is None or codec.to_proto(member) == value.number
        assert member is None or value.name.endswith(member.name)


@pytest.mark.parametrize(("codec", "numbers"), CODECS.values(), ids=CODECS.keys())
def test_numbers_of_a_later_version_are_none(codec: EnumCodec[Enum, int], numbers: EnumDescriptor) -> None:
    assert codec.from_proto(99) is None


def test_a_good_picture_is_none_on_the_wire_too() -> None:
    assert enums.HEALTH_PROBLEMS.to_proto(None) == pb.HEALTH_PROBLEM_NONE
    assert enums.HEALTH_PROBLEMS.from_proto(pb.HEALTH_PROBLEM_NONE) is None
    assert enums.HEALTH_PROBLEMS.from_proto(pb.HEALTH_PROBLEM_BLACK) is HealthProblem.BLACK


def test_every_reason_of_the_contract_has_an_error() -> None:
    reasons = {error.reason for error in _descendants(FramewatchError)}
    names = {name.removeprefix("FRAME_ERROR_REASON_") for name in pb.FrameErrorReason.keys()}  # noqa: SIM118
    assert names - {"UNSPECIFIED"} <= reasons


def _descendants(kind: type[FramewatchError]) -> list[type[FramewatchError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _descendants(child))]


def test_internal_is_the_fallback_reason() -> None:
    assert InternalError.reason == FramewatchError.reason == "INTERNAL"
