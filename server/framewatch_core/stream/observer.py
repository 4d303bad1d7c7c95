"""Health and rules of a stream: they see each scored frame once, in order, under the frame's config."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from framewatch_core.health.events import HealthEvent
from framewatch_core.rules.events import Event
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import Explanation
from framewatch_core.stream.results import Scored
from framewatch_core.stream.resume import FrameMarks, StreamState
from framewatch_core.stream.slots import Epoch, Slot


class FrameObserver:
    """Shows frames to the health monitor and the rules of a stream's state, and keeps both at the frames' config."""

    def __init__(self, state: StreamState) -> None:
        """`state`: the stream's own, or that of the stream which is taken over."""
        self.state = state
        self._version = 0  # version of the config that health and rules have; 0: none yet

    def observe(self, slot: Slot[Any, Any], scored: Scored) -> tuple[Scored, list[Event | HealthEvent]]:
        """Shows a scored frame to health and rules.

        Returns:
            The outcome, with the problems of the pictures, and the events that the frame causes. A frame that they have
            seen already, or whose time is an outlier, changes nothing.

        """
        state, moment, config = self.state, slot.moment, slot.epoch.config
        if state.has_seen(moment.frame_id):
            return state.as_first(moment.frame_id, scored), []
        if slot.is_outlier:
            return FrameMarks.unseen(scored).on(scored), []
        self._configure(config, slot.epoch.version)
        state.last_seen = moment
        held: Collection[str] = ()
        found: list[Event | HealthEvent] = []
        if slot.pictures:
            report = state.health.update(moment, slot.pictures, state.rules.regions)
            scored, held = scored.with_health(report), report.held
            found += report.events
        elif config.health.disabled:
            found += state.health.release(moment)
        else:
            state.health.pause()
        found += state.rules.update(moment, slot.scores, held)
        events = [
            replace(event, event_id=state.next_event_id(), origin_time_ns=config.origin_time_ns) for event in found
        ]
        state.keep_events(events)
        return scored, events

    def explain(self, epoch: Epoch[Any]) -> Explanation:
        """Explains how near the rules of an epoch are to their next events; changes nothing."""
        rules, config = self.state.rules, epoch.config
        if epoch.version != self._version:
            # the rules may also be ahead of this config: those of a resumed stream are
            rules = rules.under(config.rules_by_identity(), config.max_frame_gap_ns, config.subjects_by_identity())
        return Explanation(tuple(rules.explain()))

    def _configure(self, config: StreamConfig, version: int) -> None:
        if version == self._version:
            return
        self.state.rules.configure(config.rules_by_identity(), config.max_frame_gap_ns, config.subjects_by_identity())
        self.state.health.configure(config.health, config.regions)
        self._version = version
