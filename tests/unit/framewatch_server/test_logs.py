"""Exceptions in logs: with their place, without local variables."""

from __future__ import annotations

import json

import pytest
import structlog

from framewatch_server.logs import configure_logs


@pytest.fixture(params=["json", "console"])
def written(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> str:
    """The log of an error raised beside a secret."""
    before = structlog.get_config()
    configure_logs("info", request.param)

    def fail() -> None:
        request = b"a person's picture"
        raise ValueError(f"{len(request)} bytes")

    try:
        fail()
    except ValueError as error:
        structlog.get_logger().error("internal error", exc_info=error)
    structlog.configure(**before)
    return capsys.readouterr().err


def test_an_exception_is_logged_with_its_place(written: str) -> None:
    assert "ValueError" in written
    assert "18 bytes" in written
    assert "test_logs.py" in written
    if written.startswith("{"):
        assert json.loads(written)["event"] == "internal error"


def test_local_variables_are_not(written: str) -> None:
    assert "a person's picture" not in written.replace('b"a person\'s picture"', "", 1)
