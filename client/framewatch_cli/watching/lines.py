"""Events, failures, explanations and the summary of a stream as lines and tables for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from framewatch_cli.terminal.charts import sparkline
from framewatch_cli.terminal.safe_text import message_text, name_text
from framewatch_cli.terminal.tables import clock, plain_table
from framewatch_cli.watching.summary import WatchSummary
from framewatch_client import Event, EventTrail, FrameError, HealthEvent, HealthEventKind, Reconnected, rule_name
from framewatch_core.rules.events import EventKind, ExitReason, StreamEvent

TRAIL_CELLS = 30
_KIND_STYLES = {
    EventKind.ENTERED: "bold green",
    EventKind.EXITED: "bold yellow",
}
_HEALTH_KIND_STYLES = {
    HealthEventKind.SUSPENDED: "bold red",
    HealthEventKind.RESUMED: "bold blue",
}


def event_line(event: Event) -> Text:
    """Returns an event as a line, such as `ENTERED box in left  00:03.200 (began 00:02.900, frame 32)  score 0.93`."""
    line = Text(no_wrap=False)
    line.append(f"{event.kind.name:<7}", _KIND_STYLES[event.kind])
    line.append(f" {name_text(event.label)}", "bold")
    if event.region_id:
        line.append(f" in {name_text(event.region_id)}", "bold")
    if event.rule_id not in {event.label, rule_name(event.label, event.region_id)}:
        line.append(f" [{name_text(event.rule_id)}]", "dim")
    _append_times(line, event)
    line.append(f"  score {event.score:.2f}")
    if event.present_s is not None:
        line.append(f"  present {event.present_s:.1f} s")
    if event.exit_reason is ExitReason.RECONFIGURED:
        line.append("  the rule was changed", "yellow")
    if event.sparse:
        line.append("  frames were missing", "yellow")
    _append_wall_time(line, event)
    return line


def health_event_line(event: HealthEvent) -> Text:
    """Returns a health event as a line, such as `SUSPENDED in left  00:03.200 (began …)  problem: black`."""
    line = Text(no_wrap=False)
    line.append(f"{event.kind.name:<7}", _HEALTH_KIND_STYLES[event.kind])
    if event.region_id:
        line.append(f" in {name_text(event.region_id)}", "bold")
    _append_times(line, event)
    if event.problem is not None:
        line.append(f"  problem: {event.problem.name.lower().replace('_', ' ')}", "red")
    _append_wall_time(line, event)
    return line


def _append_times(line: Text, event: StreamEvent) -> None:
    line.append(f"  {clock(event.time_s)}", "cyan")
    line.append(f" (began {clock(event.began_time_s)}, frame {event.frame_id})", "dim")


def _append_wall_time(line: Text, event: StreamEvent) -> None:
    if event.wall_time is not None:
        line.append(f"  {event.wall_time.astimezone():%Y-%m-%d %H:%M:%S}", "dim")


def reconnected_line(back: Reconnected) -> Text:
    """Returns a connection that was lost and is back as a line, such as `RECONNECTED after 2.1 s: …`."""
    resumed = back.started.resumed
    line = Text.assemble(("RECONNECTED", "bold blue" if resumed else "bold red"), f" after {back.lost_s:.1f} s")
    state = "rules go on where they were" if resumed else "the server has lost the stream's state, and rules start anew"
    line.append(f": {state}")
    line.append(f"  ({message_text(back.error.message)})", "dim")
    return line


def trail_line(trail: EventTrail) -> Text:
    """Returns what led to an event as a line: its last scores, the thresholds, and the best other label."""
    scores = [point.smoothed_score for point in trail.points][-TRAIL_CELLS:]
    low, high = min([*scores, trail.exit_below]), max([*scores, trail.enter_at])
    line = Text("        ")
    line.append(sparkline(scores, low, high), "cyan")
    if trail.points:
        first, last = trail.points[-len(scores)], trail.points[-1]
        line.append(f" {first.smoothed_score:.2f} → {last.smoothed_score:.2f} in {last.time_s - first.time_s:.1f} s")
    line.append(f"; enter at {trail.enter_at:g}, exit below {trail.exit_below:g}", "dim")
    if trail.runner_up is not None:
        line.append(f"; next: {name_text(trail.runner_up.label)} {trail.runner_up.probability:.2f}", "dim")
    return line


def explanation_report(rules: Iterable[tuple[str, EventKind | None, str]]) -> RenderableType:
    """Returns for each rule its name, the event that it waits for, and why that was not emitted yet.

    Args:
        rules: name, kind of the next event (None if there is none) and explanation of each rule.

    """
    parts: list[RenderableType] = [Text("what each rule waits for", "bold")]
    for name, next_kind, message in rules:
        waits = f" waits for {next_kind.name}" if next_kind else ""
        parts += [
            Text.assemble((name_text(name), "bold"), (waits, "dim")),
            Padding(Text(message_text(message)), (0, 0, 0, 2)),
        ]
    return Group(*parts)


def failure_line(frame_id: int, error: FrameError) -> Text:
    """Returns a frame that could not be scored as a line."""
    reason = f" [{error.reason.name}]" if error.reason else ""
    return Text.assemble(("FAILED ", "bold red"), f" frame {frame_id}: {message_text(error.message)}", (reason, "dim"))


def counter_line(summary: WatchSummary) -> Text:
    """Returns counts as a line, such as `32 scored, 2 dropped, 3 events`; dropped and failed ones only if there are."""
    parts = [(f"{summary.scored:,} scored", "")]
    if summary.dropped:
        parts.append((f"{summary.dropped:,} dropped", "yellow"))
    if summary.failed:
        parts.append((f"{summary.failed:,} failed", "red"))
    if summary.suspended_count:
        parts.append((_suspensions(summary.suspended_count), "red"))
    parts.append((f"{summary.event_count:,} events" if summary.event_count != 1 else "1 event", ""))
    return Text(", ").join(Text(*part) for part in parts)


def _suspensions(count: int) -> str:
    return "1 suspension" if count == 1 else f"{count:,} suspensions"


def summary_tables(summary: WatchSummary, *, source: str, elapsed_s: float) -> RenderableType:
    """Returns the counts of frames and, if there are rules, how often each emitted which event."""
    rate = f", {summary.answered / elapsed_s:.1f} frames/s" if elapsed_s > 0 and summary.answered else ""
    frames = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    frames.add_column(no_wrap=True)
    frames.add_column(overflow="fold")
    frames.add_row(Text("source", "bold"), Text(source))
    reused = f" ({summary.reused:,} of them unchanged)" if summary.reused else ""
    scored = f"{summary.scored:,} scored{reused}"
    counts = f"{summary.sent:,} sent, {scored}, {summary.dropped:,} dropped, {summary.failed:,} failed"
    unanswered = f", {summary.unanswered:,} without a result yet" if summary.unanswered > 0 else ""
    frames.add_row(Text("frames", "bold"), counts + unanswered)
    frames.add_row(Text("time", "bold"), f"{clock(summary.time_s)} of frames in {elapsed_s:.1f} s{rate}")
    if summary.suspended_count:
        frames.add_row(Text("pictures", "bold"), f"{_suspensions(summary.suspended_count)} of regions' rules")
    if summary.last_failure:
        frames.add_row(Text("failure", "bold red"), Text(message_text(summary.last_failure)))
    return Group(frames, Text(), _rule_table(summary)) if summary.rules else frames


def _rule_table(summary: WatchSummary) -> Table:
    table = plain_table()
    table.add_column("rule", overflow="fold")
    table.add_column("entered", justify="right")
    table.add_column("exited", justify="right")
    table.add_column("present", justify="right")
    for name, rule in summary.rules.items():
        still = " (still)" if rule.present_since_s is not None else ""
        table.add_row(
            Text(name_text(name if name.startswith(rule.label) else f"{name} ({rule.label})")),
            f"{rule.entered_count:,}",
            f"{rule.exited_count:,}",
            f"{clock(rule.present_until(summary.time_s))}{still}",
            style="" if rule.entered_count else "dim",
        )
    return table
