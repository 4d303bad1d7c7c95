"""Thresholds from recorded scores, and how well rules do.

Two tasks share this room. Read first:

- to make a rule: `calibrate` (the whole way), then `material` (what it is made from) and `thresholds` (where enter_at
  and exit_below go, and why);
- to compare events with the truth: `evaluation`, then `truth` (what was there, from a file).

There are two comparisons, since there are two kinds of knowledge. `evaluation` knows the whole truth about a video and
matches each ENTERED and EXITED with a moment. `tally` knows only some stretches of a recording, which need not begin
when the thing appears, and counts `presences` in them; `calibrate` chooses and estimates rules with it.

`estimates` has the intervals of confidence, `intervals` the intervals of time.
"""
