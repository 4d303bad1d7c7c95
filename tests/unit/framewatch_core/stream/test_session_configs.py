"""Whatever configs come while a stream runs, is lost and goes on: events alternate, and nothing else differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from framewatch_core.health.events import HealthEvent, HealthEventKind
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.images.regions import Region
from framewatch_core.images.statistics import PictureStats
from framewatch_core.labels.labels import LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.events import Event, EventKind, ExitReason
from framewatch_core.rules.rule import EventRule
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import Output, ReceivedFrame
from framewatch_core.stream.results import FrameResult, Timings
from framewatch_core.stream.session import StreamSession
from framewatch_core.time import NS_PER_S
from tests.rules import quick_rule
from tests.unit.framewatch_core.health.drawn import measure, room, uniform
from tests.unit.framewatch_core.stream.test_session_resume import LIMITS, Client, comparable, scores

GOOD, BLACK = measure(room()), measure(uniform(0))
PLACES = [Region("left", 0, 0, 0.5, 1), Region("left", 0, 0, 0.4, 1), Region("right", 0.5, 0, 0.5, 1)]
TENTH = NS_PER_S // 10
POLICIES = [HealthPolicy(settle_ns=TENTH), HealthPolicy(settle_ns=0), HealthPolicy(disabled=True)]
LABELS = ("box", "empty")


def rules(regions: Sequence[str]) -> st.SearchStrategy[list[EventRule]]:
    """Rules of few ids, so that later ones are the same, edited or others under the same id."""
    rule = st.builds(
        EventRule,
        label=st.sampled_from(LABELS),
        enter_at=st.sampled_from([0.8, 0.79, 0.5]),
        min_present_ns=st.sampled_from([0, TENTH]),
        min_absent_ns=st.sampled_from([0, TENTH]),
        id=st.sampled_from(["a", "b"]),
        region_id=st.sampled_from(regions),
        trail_count=st.sampled_from([0, 2]),
    )
    return st.lists(rule, max_size=2, unique_by=lambda each: each.name)


@st.composite
def configs(draw: st.DrawFn) -> StreamConfig:
    regions = tuple(draw(st.lists(st.sampled_from(PLACES), max_size=2, unique_by=lambda region: region.id)))
    return StreamConfig(
        LabelSet.of(LABELS),
        tuple(draw(rules([region.id for region in regions] or [""]))),
        regions=regions,
        health=draw(st.sampled_from(POLICIES)),
        max_frame_gap_ns=NS_PER_S,
        max_frame_rate=draw(st.sampled_from([None, None, 10.0, 4.0])),
    )


Shown = tuple[float, bool, bool, int]
"""Score of a frame, whether its left and right halves are good, and how many tenths of a second it comes later."""

FRAMES = st.tuples(st.sampled_from([0.1, 0.6, 0.9]), st.booleans(), st.booleans(), st.sampled_from([1, 1, 1, 2, 0, 15]))


def items_of(parts: Sequence[Shown | StreamConfig]) -> list[ReceivedFrame[Shown] | StreamConfig]:
    items, tenths = list[ReceivedFrame[Shown] | StreamConfig](), 0
    for number, part in enumerate(parts):
        if isinstance(part, StreamConfig):
            items.append(part)
        else:
            tenths += part[3]
            items.append(ReceivedFrame(number, tenths * TENTH, part))
    return items


def pictures(config: StreamConfig, shown: Shown) -> dict[str, PictureStats]:
    """Measured as a server would: the regions of the rules, unless that is disabled."""
    if not config.assessed_regions:
        return {}
    halves = {"left": shown[1], "right": shown[2]}
    whole = {"": GOOD if shown[1] or shown[2] else BLACK}
    return whole | {id_: GOOD if halves[id_] else BLACK for id_ in config.assessed_regions if id_}


def play(
    session: StreamSession[Shown, None], client: Client, items: list[ReceivedFrame[Shown] | StreamConfig], received: int
) -> None:
    """The client sends items and receives so many outputs; the others are lost."""
    session.configure(client.config, None)
    outputs: list[Output] = []
    for item in items:
        if isinstance(item, StreamConfig):
            session.configure(item, None)
        else:
            session.receive(item, 0)
        for work in iter(session.next_work, None):
            found: dict[str, tuple[LabelScore, ...]] = {
                region.id: scores(work.image[0]) for region in work.config.viewed_regions
            }
            session.complete(work, found, Timings(), pictures(work.config, work.image))
        outputs.extend(iter(session.next_output, None))
    outputs.extend(iter(session.next_output, None))
    for output in outputs[:received]:
        client.take(output)


def outputs_of(
    first: StreamConfig, items: list[ReceivedFrame[Shown] | StreamConfig], cuts: Sequence[tuple[int, int]]
) -> list[Output]:
    client = Client(first, list(items))  # type: ignore[arg-type]
    session = StreamSession[Shown, None]("s", LIMITS)
    for sent, received in cuts:
        play(session, client, client.items[:sent], received)  # type: ignore[arg-type]
        state = session.hand_over()
        session = StreamSession("another", LIMITS)
        session.take_over(state, client.point)
    play(session, client, list(client.items), 10**6)  # type: ignore[arg-type]
    return client.outputs


@settings(max_examples=150, deadline=None)
@given(
    configs(),
    st.lists(FRAMES | FRAMES | FRAMES | configs(), max_size=25),
    st.lists(st.tuples(st.integers(0, 15), st.integers(0, 30)), max_size=3),
)
def test_events_alternate_and_a_lost_stream_has_the_outputs_of_one_that_is_not_lost(
    first: StreamConfig, parts: list[Shown | StreamConfig], cuts: list[tuple[int, int]]
) -> None:
    items = items_of(parts)
    outputs = outputs_of(first, items, ())
    assert comparable(outputs_of(first, items, cuts)) == comparable(outputs)
    last: dict[str, EventKind | HealthEventKind] = {}
    for output in outputs:
        if isinstance(output, Event):
            assert output.kind is not last.get(output.rule_id, EventKind.EXITED)
            assert (output.exit_reason is None) is (output.kind is EventKind.ENTERED)
            last[output.rule_id] = output.kind
        elif isinstance(output, HealthEvent):
            key = f"region {output.region_id}"
            assert output.kind is not last.get(key, HealthEventKind.RESUMED)
            last[key] = output.kind


def test_every_pair_of_rules_under_one_id_leaves_nothing_open() -> None:
    """A rule of another label exits with RECONFIGURED, an edited one when its label has gone."""
    whole = StreamConfig(LabelSet.of(LABELS), health=HealthPolicy(disabled=True))
    all_rules = [
        quick_rule(label, enter_at, id="a", trail_count=trail)
        for label, enter_at, trail in product(LABELS, (0.8, 0.5), (0, 3))
    ]
    for before, after in product(all_rules, all_rules):
        frames: list[Shown | StreamConfig] = [
            (0.9, True, True, 1), replace(whole, rules=(after,)), (0.9, True, True, 1), (0.1, True, True, 1),
        ]  # fmt: skip
        outputs = outputs_of(replace(whole, rules=(before,)), items_of(frames), ())
        events = [output for output in outputs if isinstance(output, Event)]
        reasons = [event.exit_reason for event in events if event.kind is EventKind.EXITED]
        if before.label == "box":
            same = after.label == "box"
            assert reasons[0] is (ExitReason.ABSENT if same else ExitReason.RECONFIGURED)
        assert sum(isinstance(output, FrameResult) for output in outputs) == 3
