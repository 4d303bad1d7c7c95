"""Subcommands of `framewatch`, one module each.

Read `watch.py` for the usual shape: the function's signature declares the options, its docstring is their help, and its
body checks them, calls a room and prints the result. `options/` has what several commands share. A command is imported
when it is called; `help.py` has the texts that `framewatch --help` shows without importing any.
"""
