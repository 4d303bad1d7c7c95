"""The thread's name for the operating system, where that takes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from framewatch_server.engine.threads.names import publish_thread_name


def test_a_system_that_takes_no_name_does_not_end_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError("read-only")

    monkeypatch.setattr(Path, "write_text", refuse)
    publish_thread_name()
