"""The blocking client's surface: that of the asynchronous one."""

from __future__ import annotations

import inspect

import pytest

from framewatch_client import AsyncFramewatchClient, FramewatchClient, StreamKeywords

METHODS = [name for name in vars(AsyncFramewatchClient) if not name.startswith("_") and name != "aclose"]


def test_both_clients_have_the_same_methods() -> None:
    assert [name for name in vars(FramewatchClient) if not name.startswith("_") and name != "close"] == METHODS


@pytest.mark.parametrize("name", [name for name in METHODS if name != "stream"])
def test_a_method_has_the_parameters_and_the_documentation_of_the_asynchronous_one(name: str) -> None:
    blocking, asynchronous = getattr(FramewatchClient, name), getattr(AsyncFramewatchClient, name)
    assert inspect.signature(blocking) == inspect.signature(asynchronous)
    assert inspect.getdoc(blocking) == inspect.getdoc(asynchronous)
    assert blocking.__qualname__ == f"FramewatchClient.{name}"


def test_a_stream_has_the_same_parameters() -> None:
    blocking, asynchronous = (inspect.signature(client.stream) for client in (FramewatchClient, AsyncFramewatchClient))
    assert list(blocking.parameters) == list(asynchronous.parameters)


@pytest.mark.parametrize("client", [AsyncFramewatchClient, FramewatchClient])
def test_help_on_a_stream_has_all_options(client: type[AsyncFramewatchClient | FramewatchClient]) -> None:
    text = inspect.getdoc(client.stream) or ""
    assert [name for name in StreamKeywords.__annotations__ if f"`{name}`" not in text] == []
