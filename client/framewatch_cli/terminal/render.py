"""Results as tables and lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from framewatch_cli.terminal.charts import sparkline
from framewatch_cli.terminal.summary import PRESENCE_KINDS, WatchSummary
from framewatch_client import Event, EventTrail, FrameError, Timings, rule_name
from framewatch_core.arrays import Float32Array
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.rules.rule import EventKind

BAR_CELLS = 20
TRAIL_CELLS = 30
MIN_NAME_CELLS = 10
_EIGHTHS = " ▏▎▍▌▋▊▉"
_KIND_STYLES = {
    EventKind.ENTERED: "bold green",
    EventKind.EXITED: "bold yellow",
    EventKind.SUSPENDED: "bold red",
    EventKind.RESUMED: "bold blue",
}


def clock(time_s: float) -> str:
    """Seconds as `MM:SS.mmm`, or `H:MM:SS.mmm` from an hour on."""
    milliseconds = round(time_s * 1000)
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{f'{hours}:' if hours else ''}{minutes:02d}:{seconds:02d}.{milliseconds:03d}"


def bar(fraction: float, cells: int = BAR_CELLS) -> str:
    """A bar of at most `cells` characters, in eighths; `fraction` in [0, 1], what lies outside is cut."""
    eighths = round(min(1.0, max(0.0, fraction)) * cells * 8)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def event_line(event: Event) -> Text:
    """One line, such as `ENTERED box in left  00:03.200 (began 00:02.900, frame 32)  score 0.93`."""
    line = Text(no_wrap=False)
    line.append(f"{event.kind.name:<7}", _KIND_STYLES.get(event.kind, "bold"))
    if event.label:
        line.append(f" {event.label}", "bold")
    if event.region:
        line.append(f" in {event.region}", "bold")
    if event.rule_id not in {event.label, rule_name(event.label, event.region)}:
        line.append(f" [{event.rule_id}]", "dim")
    line.append(f"  {clock(event.time_s)}", "cyan")
    line.append(f" (began {clock(event.began_time_s)}, frame {event.frame_id})", "dim")
    if event.kind in PRESENCE_KINDS:
        line.append(f"  score {event.score:.2f}")
    if event.problem is not None:
        line.append(f"  problem: {event.problem.name.lower().replace('_', ' ')}", "red")
    if event.present_s is not None:
        line.append(f"  present {event.present_s:.1f} s")
    if event.sparse:
        line.append("  frames were missing", "yellow")
    if event.wall_time is not None:
        line.append(f"  {event.wall_time.astimezone():%Y-%m-%d %H:%M:%S}", "dim")
    return line


def trail_line(trail: EventTrail) -> Text:
    """What led to an event: its last scores, between which thresholds, and the best other label."""
    scores = [point.smoothed_score for point in trail.points][-TRAIL_CELLS:]
    low, high = min([*scores, trail.exit_below]), max([*scores, trail.enter_at])
    line = Text("        ")
    line.append(sparkline(scores, low, high), "cyan")
    if trail.points:
        first, last = trail.points[-len(scores)], trail.points[-1]
        line.append(f" {first.smoothed_score:.2f} → {last.smoothed_score:.2f} in {last.time_s - first.time_s:.1f} s")
    line.append(f"; enter at {trail.enter_at:g}, exit below {trail.exit_below:g}", "dim")
    if trail.runner_up is not None:
        line.append(f"; next: {trail.runner_up.label} {trail.runner_up.probability:.2f}", "dim")
    return line


def explanation_report(rules: Iterable[tuple[str, EventKind | None, str]]) -> RenderableType:
    """For each rule its name, what it waits for, and the sentence of what holds it back."""
    parts: list[RenderableType] = [Text("what each rule waits for", "bold")]
    for name, next_kind, message in rules:
        waits = f" waits for {next_kind.name}" if next_kind else ""
        parts += [Text.assemble((name, "bold"), (waits, "dim")), Padding(Text(message), (0, 0, 0, 2))]
    return Group(*parts)


def failure_line(frame_id: int, error: FrameError) -> Text:
    """One line for a frame that could not be scored."""
    reason = f" [{error.reason.name}]" if error.reason else ""
    return Text.assemble(("FAILED ", "bold red"), f" frame {frame_id}: {error.message}", (reason, "dim"))


class Bar:
    """A bar as wide as the table lets it be, which may be not at all."""

    def __init__(self, fraction: float, style: str) -> None:
        self._fraction = fraction
        self._style = style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(bar(self._fraction, min(options.max_width, BAR_CELLS)), self._style)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(0, BAR_CELLS)


def score_table(scores: Sequence[LabelScore], *, title: str = "", footer: str = "") -> RenderableType:
    """Labels with probability, bar and similarity, the best marked."""
    table = plain_table(title)
    table.add_column("label", overflow="fold", min_width=MIN_NAME_CELLS)
    table.add_column("probability", justify="right", no_wrap=True)
    table.add_column("similarity", justify="right", no_wrap=True)
    table.add_column("")
    for i, score in enumerate(scores):
        table.add_row(
            Text(score.label),
            f"{score.probability:.4f}",
            f"{score.similarity:.4f}",
            Bar(score.probability, "green" if i == 0 else "blue"),
            style="bold" if i == 0 else "",
        )
    return with_footer(table, footer)


def similarity_table(
    names: Sequence[str], similarities: Sequence[float], *, query: str, footer: str = ""
) -> RenderableType:
    """Candidates with their cosines in the order given, the best marked with a star."""
    best = max(similarities, default=0.0)
    table = plain_table(f"similarity to {query}")
    table.add_column("image", overflow="fold", min_width=MIN_NAME_CELLS)
    table.add_column("similarity", justify="right", no_wrap=True)
    table.add_column("")
    for name, similarity in zip(names, similarities, strict=False):
        is_best = len(similarities) > 1 and similarity == best
        table.add_row(
            Text(f"{name} ★" if is_best else name),
            f"{similarity:.4f}",
            Bar(similarity, "green" if is_best else "blue"),
            style="bold" if is_best else "",
        )
    return with_footer(table, footer)


def similarity_matrix_table(
    queries: Sequence[str], candidates: Sequence[str], similarities: Float32Array, *, footer: str = ""
) -> RenderableType:
    """Candidates down, queries across, `[queries, candidates]`; for each query the best one in bold with a star."""
    table = plain_table("similarity")
    table.add_column("image", overflow="fold", min_width=MIN_NAME_CELLS)
    for query in queries:
        table.add_column(Text(query), justify="right", overflow="fold")
    best = similarities.argmax(axis=1)
    for row, name in enumerate(candidates):
        cells = (_cosine_cell(cosine, is_best=best[i] == row) for i, cosine in enumerate(similarities[:, row]))
        table.add_row(Text(name), *cells)
    return with_footer(table, footer)


def _cosine_cell(cosine: float, *, is_best: bool) -> Text:
    return Text(f"{cosine:.4f} ★", "bold") if is_best else Text(f"{cosine:.4f}  ")


def answer_footer(model: str, timings: Timings) -> str:
    """Who answered and how long it took the server."""
    total_ms = 1000 * (timings.decode_s + timings.queue_s + timings.inference_s)
    return f"{model}, {total_ms:.1f} ms in the server"


def counter_line(summary: WatchSummary) -> Text:
    """`32 scored, 2 dropped, 1 failed, 3 events`; what is 0 is left out but for the first."""
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
    """Frames and, if there are rules, what each of them saw."""
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
        frames.add_row(Text("failure", "bold red"), Text(summary.last_failure))
    return Group(frames, Text(), _rule_table(summary)) if summary.rules else frames


def _rule_table(summary: WatchSummary) -> Table:
    table = plain_table("")
    table.add_column("rule", overflow="fold")
    table.add_column("entered", justify="right")
    table.add_column("exited", justify="right")
    table.add_column("present", justify="right")
    for name, rule in summary.rules.items():
        still = " (still)" if rule.present_since_s is not None else ""
        table.add_row(
            Text(name if name.startswith(rule.label) else f"{name} ({rule.label})"),
            f"{rule.entered_count:,}",
            f"{rule.exited_count:,}",
            f"{clock(rule.present_until(summary.time_s))}{still}",
            style="" if rule.entered_count else "dim",
        )
    return table


def plain_table(title: str = "") -> Table:
    """A table in the house style."""
    return Table(
        title=Text(title, "bold") if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )


def with_footer(table: Table, footer: str) -> RenderableType:
    """The table with a line below it; empty: none."""
    return Group(table, Text(footer, "dim")) if footer else table
