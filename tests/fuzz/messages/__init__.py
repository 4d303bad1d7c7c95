"""A fuzz of messages: no bytes and no message give INTERNAL, and none gives a log line.

`python -m tests.fuzz.messages --runs N` is the long form; `test_messages.py` the short one.
"""
