"""Failures that need no hub."""

from __future__ import annotations

import errno

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from framewatch_server.vision.checkpoints.hub.errors import hub_error
from framewatch_server.vision.checkpoints.source import ModelSource


def unwell(cause: Exception) -> Exception:
    """The error that huggingface_hub raises around the cause of a failed request."""
    error = LocalEntryNotFoundError("check your connection")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(OSError(errno.ENOSPC, "No space left"), ["is full", "HF_HOME", "goes on"], id="disk full"),
        pytest.param(
            PermissionError(errno.EACCES, "Permission denied", "/cache/x"), ["/cache/x", "writable"], id="not writable"
        ),
        pytest.param(
            unwell(ConnectionRefusedError(errno.ECONNREFUSED, "refused")),
            ["could not be reached", "refused", "model.safetensors of a/b@v1", "HF_ENDPOINT", "HTTPS_PROXY"],
            id="what is behind the library's advice",
        ),
        pytest.param(ValueError("x" * 5000), ["xxx"], id="an answer that is none"),
    ],
)
def test_failures_have_a_reason_and_a_way_to_go_on(error: Exception, words: list[str]) -> None:
    message = hub_error(ModelSource.parse("a/b@v1"), "model.safetensors", error).message
    assert [word for word in words if word not in message] == []
    assert "check your connection" not in message
    assert len(message) < 1000
