"""Ground floor of the command: everything that is printed and drawn on a terminal, whatever it is about.

Read `output.py` first: the consoles that every command prints to, and the exit codes. `tables.py`, `charts.py` and
`progress.py` draw, `json_lines.py` prints for programs, and `interrupts.py` turns Ctrl-C into a clean end.
"""
