"""Downloads in the log."""

from __future__ import annotations

from typing import Any

import structlog

from framewatch_server.vision.checkpoints.hub.progress import LoggedProgress


def test_the_log_has_every_tenth_of_a_large_file_and_the_begin_of_a_small_one() -> None:
    with structlog.testing.capture_logs() as log:
        progress = LoggedProgress()
        progress.begin("config.json", 1000, 0)
        progress.advance("config.json", 1000)
        progress.begin("model.safetensors", 100_000_000, 35_000_000)
        for _ in range(65):
            progress.advance("model.safetensors", 1_000_000)

    def logged(entry: dict[str, Any]) -> object:
        return entry.get("percent", (entry.get("bytes"), entry.get("already_here")))

    assert [logged(dict(entry)) for entry in log] == [(1000, 0), (100_000_000, 35_000_000), *range(40, 101, 10)]
