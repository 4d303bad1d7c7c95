"""Watching a source: the stream of `framewatch watch`, and how people and programs see it.

Read `watch.py` first: it streams a source and feeds a view. `views.py` has the three views (live, plain lines, JSON),
`lines.py` the wording of events and tables, and `summary.py` the counts that each view ends with.
"""
