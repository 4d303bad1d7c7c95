"""Options that several commands have, and their values.

`parameters.py` has the types of single options; `connection.py`, `labels.py` and `labelling.py` have groups of them;
`files.py` checks and loads the files that options name.
"""
