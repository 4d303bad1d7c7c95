"""The connection's options: which servers are reached without the environment's proxy."""

from __future__ import annotations

import pytest

from framewatch_client import AsyncFramewatchClient, ServerUnreachableError
from framewatch_client._channel import is_loopback


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("localhost:50051", True),
        ("LOCALHOST.:50051", True),
        ("camera.localhost:1", True),
        ("127.0.0.1:50051", True),
        ("127.8.9.1", True),
        ("[::1]:50051", True),
        ("::1", True),
        ("dns:localhost:50051", True),
        ("dns:///localhost:50051", True),
        ("dns://8.8.8.8/localhost:50051", True),
        ("ipv4:127.0.0.1:50051", True),
        ("ipv6:[::1]:50051", True),
        ("localhost.example.com:50051", False),
        ("10.0.0.1:50051", False),
        ("server:50051", False),
        ("[2001:db8::1]:50051", False),
        ("", False),
    ],
)
def test_addresses_of_this_machine(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


@pytest.mark.parametrize("variable", ["http_proxy", "https_proxy", "grpc_proxy"])
async def test_servers_of_this_machine_are_reached_without_a_proxy(
    address: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    for name in ("no_proxy", "no_grpc_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with AsyncFramewatchClient(address) as client:
        assert (await client.list_models())[0].name == "fake"


async def test_others_are_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    for name in ("no_proxy", "no_grpc_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with AsyncFramewatchClient("192.0.2.1:50051", timeout_s=10) as client:
        with pytest.raises(ServerUnreachableError, match=r"127\.0\.0\.1:1|proxy"):
            await client.list_models()
