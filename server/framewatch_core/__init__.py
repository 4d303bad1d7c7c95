"""Decisions of framewatch, in rooms by subject.

Read in this order: `images` (what callers send), `labels` (what they look for, and its scores), `rules` (events from
scores), `health` (bad pictures, which rules are not given) and `stream` (the protocol of one stream, which joins them).
`calibration` makes and evaluates rules from recorded scores.

Pure: standard library and numpy, no clock, no threads, no I/O. Time is passed in as integer nanoseconds, so that sums
of frame times are exact. The light client installs it too and replays rules with the very code of the server.
"""
