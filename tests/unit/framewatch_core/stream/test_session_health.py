"""Health of pictures within a session: its events, and the frames that the rules then see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from framewatch_core.errors import UndecodableImage
from framewatch_core.health.events import HealthEvent
from framewatch_core.health.monitor import HealthPolicy, HealthProblem
from framewatch_core.images.regions import Region
from framewatch_core.images.statistics import PictureStats
from framewatch_core.labels.labels import LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.resume_point import ResumePoint
from framewatch_core.rules.events import Event
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import Output, ReceivedFrame, Started
from framewatch_core.stream.results import FrameResult, RegionScores, Scored, Timings
from framewatch_core.stream.session import SessionLimits, StreamSession
from framewatch_core.time import NS_PER_S
from tests.rules import quick_rule
from tests.unit.framewatch_core.health.drawn import measure, room, uniform

LIMITS = SessionLimits(running=2, waiting=2, unsent=100)
GOOD = measure(room())
BLACK = measure(uniform(0))
POLICY = HealthPolicy(settle_ns=NS_PER_S // 10)
WHOLE = StreamConfig(LabelSet.of(["box"]), (quick_rule("box", 0.8, 0.5),), health=POLICY)
LEFT, RIGHT = Region("left", 0, 0, 0.5, 1), Region("right", 0.5, 0, 0.5, 1)
HALVES = replace(
    WHOLE,
    regions=(LEFT, RIGHT),
    rules=(quick_rule("box", 0.8, region_id="left", id="l"), quick_rule("box", 0.8, region_id="right", id="r")),
)
ONLY_LEFT = replace(HALVES, rules=HALVES.rules[:1])


class Watched:
    """A session whose frames, a tenth of a second apart, are scored at once, with its outputs."""

    def __init__(self, config: StreamConfig = WHOLE) -> None:
        self.session = StreamSession[float, str]("s", LIMITS)
        self.session.configure(config, "")
        self.outputs: list[Output] = []
        self.count = 0

    def show(
        self, box: float, pictures: Mapping[str, PictureStats] | None = None, times: int = 1, ahead_s: int = 0
    ) -> None:
        """Receives frames of that score in all regions.

        `pictures`: none if health is not assessed. `ahead_s`: so much too late are the frames' times.
        """
        for _ in range(times):
            self.count += 1
            self.session.receive(ReceivedFrame(self.count, self.count * NS_PER_S // 10 + ahead_s * NS_PER_S, box), 0)
            work = self.session.next_work()
            assert work is not None
            score = LabelScore("box", box, box, box)
            self.session.complete(
                work, {region.id: (score,) for region in work.config.viewed_regions}, Timings(), pictures
            )
            self.outputs.extend(iter(self.session.next_output, None))

    def briefly(self) -> list[str]:
        """Results as their frames' numbers, events as what they are of."""
        return [brief for output in self.outputs if (brief := _brief(output))]

    def events(self) -> list[str]:
        return [brief for brief in self.briefly() if not brief.isdigit()]

    def regions(self, frame_id: int) -> tuple[RegionScores, ...]:
        (outcome,) = (o.outcome for o in self.outputs if isinstance(o, FrameResult) and o.frame_id == frame_id)
        assert isinstance(outcome, Scored)
        return outcome.regions


def _brief(output: Output) -> str:
    match output:
        case FrameResult(frame_id):
            return str(frame_id)
        case HealthEvent(kind=kind, region_id=region, problem=problem):
            return " ".join(part for part in (kind.name, problem and problem.name, region) if part)
        case Event(kind=event_kind, rule_id=rule_id):
            return f"{event_kind.name} {rule_id}"
    return ""


def whole(stats: PictureStats) -> dict[str, PictureStats]:
    return {"": stats}


def halves(left: PictureStats, right: PictureStats) -> dict[str, PictureStats]:
    return {"": GOOD, "left": left, "right": right}


def test_rules_do_not_see_what_the_picture_does_not_show() -> None:
    watched = Watched()
    watched.show(0.9, whole(GOOD), 2)
    watched.show(0.1, whole(BLACK), 3)
    watched.show(0.9, whole(GOOD), 3)
    watched.show(0.1, whole(GOOD))
    assert watched.briefly() == [
        "1", "ENTERED box", "2", "3", "4", "SUSPENDED BLACK", "5", "6", "7", "RESUMED", "8", "9", "EXITED box",
    ]  # fmt: skip
    regions = [watched.regions(i)[0] for i in range(1, 10)]
    black = HealthProblem.BLACK
    assert [region.problem for region in regions] == [None, None, black, black, black, None, None, None, None]
    assert [region.suspended for region in regions] == [False, False, True, True, True, True, False, False, False]


def test_one_bad_picture_holds_the_rules_and_is_not_said() -> None:
    watched = Watched()
    watched.show(0.9, whole(GOOD))
    watched.show(0.1, whole(BLACK))
    watched.show(0.9, whole(GOOD), 3)
    assert watched.events() == ["ENTERED box"]
    assert watched.regions(2)[0].suspended


def test_health_events_come_before_the_rules_events_of_the_same_frame() -> None:
    watched = Watched()
    watched.show(0.1, whole(BLACK), 2)
    watched.show(0.1, whole(GOOD))
    watched.show(0.9, whole(GOOD))
    assert watched.briefly() == ["1", "2", "SUSPENDED BLACK", "3", "4", "RESUMED", "ENTERED box"]


def test_a_region_by_itself_is_suspended() -> None:
    watched = Watched(HALVES)
    watched.show(0.9, halves(GOOD, GOOD))
    watched.show(0.1, halves(BLACK, GOOD), 3)
    assert watched.events() == ["ENTERED l", "ENTERED r", "EXITED r", "SUSPENDED BLACK left"]
    left, right = watched.regions(4)
    assert (left.problem, left.suspended) == (HealthProblem.BLACK, True)
    assert (right.problem, right.suspended) == (None, False)


def test_a_problem_of_the_whole_frame_is_reported_for_each_region_that_has_rules() -> None:
    watched = Watched(ONLY_LEFT)
    watched.show(0.1, {"": BLACK, "left": BLACK, "right": BLACK}, 3)
    watched.show(0.1, halves(GOOD, GOOD), 3)
    assert watched.events() == ["SUSPENDED BLACK left", "RESUMED left"]
    assert [region.suspended for region in watched.regions(2)] == [True, True]


@pytest.mark.parametrize("health", [POLICY, HealthPolicy(disabled=True)], ids=["assessed", "disabled"])
def test_pictures_that_are_not_measured_hold_nothing(health: HealthPolicy) -> None:
    watched = Watched(replace(WHOLE, health=health))
    for box in (0.9, 0.1):
        watched.show(box)
    assert watched.events() == ["ENTERED box", "EXITED box"]


def test_a_config_that_disables_health_ends_the_suspension() -> None:
    watched = Watched()
    watched.show(0.1, whole(BLACK), 3)
    watched.session.configure(replace(WHOLE, health=HealthPolicy(disabled=True)), "")
    watched.show(0.1, times=2)
    watched.session.configure(WHOLE, "")
    watched.show(0.1, whole(BLACK), 3)
    watched.show(0.1, whole(GOOD), 3)
    assert watched.events() == ["SUSPENDED BLACK", "RESUMED", "SUSPENDED BLACK", "RESUMED"]


@pytest.mark.parametrize("policy", [HealthPolicy(ignored=frozenset({HealthProblem.BLACK}))], ids=["ignored"])
def test_a_problem_that_a_new_config_ignores_holds_no_more(policy: HealthPolicy) -> None:
    watched = Watched()
    watched.show(0.9, whole(GOOD))
    watched.show(0.1, whole(BLACK), 3)
    watched.session.configure(replace(WHOLE, health=replace(policy, settle_ns=0)), "")
    watched.show(0.1, whole(BLACK))
    assert watched.events() == ["ENTERED box", "SUSPENDED BLACK", "RESUMED", "EXITED box"]


@pytest.mark.parametrize(
    ("returned", "events"),
    [(BLACK, []), (GOOD, ["RESUMED"])],
    ids=["the pictures are bad still", "the pictures are good again"],
)
@pytest.mark.parametrize("times", [0, 1, 30], ids=["at once", "a frame later", "after a while"])
def test_a_frame_that_no_rule_watches_for_a_while_stays_suspended(
    returned: PictureStats, events: list[str], times: int
) -> None:
    watched = Watched()
    watched.show(0.1, whole(BLACK), 3)
    watched.session.configure(replace(WHOLE, rules=()), "")
    watched.show(0.1, times=times)
    watched.session.configure(WHOLE, "")
    watched.show(0.1, whole(returned), 3)
    assert watched.events() == ["SUSPENDED BLACK", *events]
    watched.show(0.1, whole(GOOD), 3)
    assert watched.events() == ["SUSPENDED BLACK", "RESUMED"]


@pytest.mark.parametrize("times", [0, 1, 30], ids=["at once", "a frame later", "after a while"])
def test_a_region_that_leaves_the_rules_while_suspended_and_comes_back_is_suspended_once(times: int) -> None:
    watched = Watched(HALVES)
    watched.show(0.1, halves(GOOD, BLACK), 3)
    watched.session.configure(ONLY_LEFT, "")
    watched.show(0.1, {"": GOOD, "left": GOOD}, times)
    watched.session.configure(HALVES, "")
    watched.show(0.1, halves(GOOD, BLACK), 3)
    assert watched.regions(watched.count)[1].suspended
    watched.show(0.1, halves(GOOD, GOOD), 3)
    watched.show(0.1, halves(GOOD, BLACK), 3)
    assert watched.events() == ["SUSPENDED BLACK right", "RESUMED right", "SUSPENDED BLACK right"]


def test_good_pictures_from_before_a_region_left_do_not_count_when_it_returns() -> None:
    watched = Watched(HALVES)
    watched.show(0.1, halves(GOOD, BLACK), 3)
    watched.show(0.1, halves(GOOD, GOOD))
    watched.session.configure(ONLY_LEFT, "")
    watched.show(0.1, {"": GOOD, "left": GOOD}, 5)
    watched.session.configure(HALVES, "")
    watched.show(0.1, halves(GOOD, GOOD))
    assert watched.events() == ["SUSPENDED BLACK right"]
    watched.show(0.1, halves(GOOD, GOOD))
    assert watched.events() == ["SUSPENDED BLACK right", "RESUMED right"]


@pytest.mark.parametrize(
    ("later", "is_held"),
    [
        pytest.param(HALVES, True, id="the same place: white is new"),
        pytest.param(replace(HALVES, regions=(replace(LEFT, width=0.4), RIGHT)), False, id="another place: it may be white"),
    ],
)  # fmt: skip
def test_what_was_learned_of_a_place_is_not_held_against_another(later: StreamConfig, is_held: bool) -> None:
    watched = Watched(HALVES)
    watched.show(0.1, halves(GOOD, GOOD), 3)
    watched.session.configure(later, "")
    watched.show(0.1, halves(measure(uniform(255)), GOOD))
    assert watched.regions(watched.count)[0].suspended is is_held


def test_rules_that_come_while_their_region_is_held_hear_of_it_first() -> None:
    watched = Watched(ONLY_LEFT)
    watched.show(0.1, halves(GOOD, GOOD))
    watched.show(0.1, halves(GOOD, BLACK), 3)
    watched.session.configure(HALVES, "")
    watched.show(0.1, halves(GOOD, BLACK))
    watched.show(0.1, halves(GOOD, GOOD), 3)
    assert watched.events() == ["SUSPENDED BLACK right", "RESUMED right"]


def test_rules_that_come_when_the_picture_is_good_again_hear_nothing() -> None:
    watched = Watched(ONLY_LEFT)
    watched.show(0.1, halves(GOOD, BLACK), 3)
    watched.session.configure(HALVES, "")
    watched.show(0.9, halves(GOOD, GOOD), 3)
    assert watched.events() == ["ENTERED l", "ENTERED r"]
    assert [region.suspended for region in watched.regions(4)] == [False, True]


def test_frames_without_an_outcome_are_no_pictures() -> None:
    watched = Watched()
    watched.show(0.1, whole(BLACK), 2)
    for frame_id in (3, 4):
        watched.session.receive(ReceivedFrame(frame_id, frame_id * NS_PER_S // 10, UndecodableImage("broken")), 0)
    watched.count = 4
    watched.show(0.1, whole(GOOD))
    assert watched.events() == ["SUSPENDED BLACK"], "only one good picture yet"


def test_health_outlives_the_connection() -> None:
    """SUSPENDED before the loss is not emitted again, and RESUMED comes; a problem that has half settled counts on."""
    lost, later = Watched(), StreamSession[float, str]("other", LIMITS)
    lost.show(0.9, whole(GOOD))
    lost.show(0.1, whole(BLACK), 3)
    last = next(output.event_id for output in reversed(lost.outputs) if isinstance(output, Event | HealthEvent))
    later.take_over(lost.session.hand_over(), ResumePoint("t", lost.count, last))
    later.configure(WHOLE, "")
    resumed = Watched.__new__(Watched)
    resumed.session, resumed.outputs, resumed.count = later, [], lost.count
    resumed.show(0.1, whole(BLACK))
    resumed.show(0.1, whole(GOOD), 2)
    assert isinstance(resumed.outputs[0], Started)
    assert resumed.events() == ["RESUMED", "EXITED box"]


def test_a_frame_that_was_assessed_before_the_loss_is_not_assessed_again() -> None:
    lost, later = Watched(), StreamSession[float, str]("other", LIMITS)
    lost.show(0.9, whole(GOOD))
    lost.show(0.1, whole(BLACK), 2)
    later.take_over(lost.session.hand_over(), ResumePoint("t", 1, "s-1"))
    later.configure(WHOLE, "")
    resumed = Watched.__new__(Watched)
    resumed.session, resumed.outputs, resumed.count = later, [], 1
    resumed.show(0.1, whole(BLACK), 3)
    assert resumed.briefly() == ["2", "3", "SUSPENDED BLACK", "4"], "what was missed comes again, once"


def test_event_ids_count_all_events() -> None:
    watched = Watched()
    watched.show(0.9, whole(GOOD))
    watched.show(0.1, whole(BLACK), 2)
    watched.show(0.1, whole(GOOD), 2)
    assert [o.event_id for o in watched.outputs if isinstance(o, Event | HealthEvent)] == ["s-1", "s-2", "s-3", "s-4"]
