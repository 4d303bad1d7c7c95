"""Rules: files of them, and the calibration, evaluation and replay of rules on recordings.

Read `file.py` first: `RulesFile` is what all of this reads or writes. `document.py` parses YAML for it; `writer.py` and
`notes.py` write it with comments. `recording.py` has the scores of a stream, which calibration (`calibrating.py`,
`output.py`) and evaluation (`evaluating.py`) rest on; `score_files.py` keeps them in files, for replays.
`timelines.py` prepares what `reports.py` prints and `plots.py` draws.
"""
