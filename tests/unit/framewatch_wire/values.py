"""Strategies for what goes over the wire. Floats are those of 32 bits, as the wire has them."""

from __future__ import annotations

from hypothesis import strategies as st

from framewatch_core.health.events import HealthEvent, HealthEventKind
from framewatch_core.health.problem import HealthProblem
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.resume_point import ResumePoint
from framewatch_core.rules.events import Event, EventKind, EventTrail, ExitReason, TrailPoint
from framewatch_core.rules.explanations import HeldBackBy, RuleExplanation
from framewatch_core.stream.results import (
    Dropped,
    DropReason,
    Failed,
    FrameError,
    FrameErrorReason,
    FrameResult,
    RegionScores,
    Scored,
    Timings,
)
from framewatch_core.time import Moment

S = 1_000_000_000

UNIT = st.floats(0, 1, width=32)
COSINES = st.floats(-1, 1, width=32)
COUNTS = st.integers(0, 2**32 - 1)
FRAME_IDS = st.integers(0, 2**64 - 1)
TIMES_NS = st.integers(0, 10**18) | st.sampled_from([0, 1, S - 1, S, S + 1])
WALL_TIMES_NS = st.integers(0, 4 * 10**9 * S)
# protobuf's strings are UTF-8, which has no surrogates
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = TEXTS.filter(str.strip)

MOMENTS = st.builds(Moment, FRAME_IDS, TIMES_NS)
LABEL_SCORES = st.builds(LabelScore, TEXTS, UNIT, COSINES, st.none() | UNIT)
SCORES = st.lists(LABEL_SCORES, max_size=3).map(tuple)
TIMINGS = st.builds(Timings, TIMES_NS, TIMES_NS, TIMES_NS, COUNTS)
WARNINGS = st.lists(st.builds(RequestWarning, TEXTS, TEXTS, TEXTS), max_size=3).map(tuple)
RESUME_POINTS = st.builds(ResumePoint, TEXTS, st.none() | FRAME_IDS, TEXTS)

REGION_SCORES = st.builds(RegionScores, TEXTS, SCORES, st.none() | st.sampled_from(HealthProblem), st.booleans())
# without a region there is nowhere to put the reused frame
SCORED = st.builds(Scored, st.lists(REGION_SCORES, min_size=1, max_size=3).map(tuple), TIMINGS, st.none() | FRAME_IDS)
DROPPED = st.builds(Dropped, st.none() | st.sampled_from(DropReason))
FAILED = st.builds(Failed, st.builds(FrameError, st.none() | st.sampled_from(FrameErrorReason), TEXTS))
FRAME_RESULTS = st.builds(FrameResult, FRAME_IDS, TIMES_NS, COUNTS, st.none() | SCORED | DROPPED | FAILED)

TRAIL_POINTS = st.builds(TrailPoint, MOMENTS, COSINES, COSINES)
TRAILS = st.builds(EventTrail, st.lists(TRAIL_POINTS, max_size=3).map(tuple), st.none() | LABEL_SCORES, UNIT, UNIT)
EVENTS = st.builds(
    Event,
    at=MOMENTS,
    began=MOMENTS,
    event_id=TEXTS,
    origin_time_ns=st.none() | WALL_TIMES_NS,
    resume_point=st.none(),
    kind=st.sampled_from(EventKind),
    rule_id=TEXTS,
    label=TEXTS,
    region_id=TEXTS,
    score=COSINES,
    peak_score=COSINES,
    present_ns=st.none() | TIMES_NS,
    sparse=st.booleans(),
    trail=st.none() | TRAILS,
    exit_reason=st.none() | st.sampled_from(ExitReason),
)
HEALTH_EVENTS = st.builds(
    HealthEvent,
    at=MOMENTS,
    began=MOMENTS,
    event_id=TEXTS,
    origin_time_ns=st.none() | WALL_TIMES_NS,
    resume_point=st.none(),
    kind=st.sampled_from(HealthEventKind),
    region_id=TEXTS,
    problem=st.none() | st.sampled_from(HealthProblem),
)
RULE_EXPLANATIONS = st.tuples(st.none() | st.tuples(COSINES, MOMENTS)).flatmap(
    lambda nearest: st.builds(
        RuleExplanation,
        rule_id=TEXTS,
        label=TEXTS,
        region_id=TEXTS,
        next_kind=st.none() | st.sampled_from(EventKind),
        frame_count=FRAME_IDS,
        score=st.none() | COSINES,
        nearest_score=st.just(nearest[0] and nearest[0][0]),
        nearest=st.just(nearest[0] and nearest[0][1]),
        threshold=UNIT,
        longest_held_ns=TIMES_NS,
        needed_ns=TIMES_NS,
        held_back_by=st.none() | st.sampled_from(HeldBackBy),
        message=TEXTS,
    )
)
