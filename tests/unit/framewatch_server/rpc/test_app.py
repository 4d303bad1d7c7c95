"""Settings of gRPC and of the engine, as the server's configuration gives them."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from framewatch_server.config import ServerConfig
from framewatch_server.rpc import app
from framewatch_server.rpc.app import channel_options, engine_settings
from framewatch_server.vision.pixels.decode import DecodeLimits


def test_clients_may_ping_every_five_seconds() -> None:
    options = dict(channel_options(ServerConfig()))
    assert options["grpc.http2.min_ping_interval_without_data_ms"] < 5_000, "pings that arrive early are no fault"
    assert options["grpc.http2.max_pings_without_data"] == 0, "a silent camera pings for hours"


def test_a_client_that_is_stopped_is_noticed_within_fifty_seconds() -> None:
    options = dict(channel_options(ServerConfig()))
    # the ping's own timeout counts while the system still takes data for the client
    for timeout in ("grpc.keepalive_timeout_ms", "grpc.http2.ping_timeout_ms"):
        assert options["grpc.keepalive_time_ms"] + options[timeout] <= 50_000


def test_the_engine_has_the_settings_of_the_command() -> None:
    config = ServerConfig(
        jpeg_decode="full",
        max_batch_size=7,
        decode_threads=3,
        max_image_bytes=11,
        max_image_pixels=12,
        max_region_pixels=16,
        max_decoded_bytes=17,
        text_cache_bytes=13,
        example_cache_bytes=14,
        image_cache_bytes=15,
    )
    settings = engine_settings(config)
    assert settings.decode_limits == DecodeLimits(11, 12, 16)
    assert settings.pixel_room.maximum == 17
    assert (settings.decode_threads, settings.reduced_decode, settings.max_batch_size) == (3, False, 7)
    assert (settings.caches.text_bytes, settings.caches.example_bytes, settings.caches.image_bytes) == (13, 14, 15)


@pytest.mark.parametrize("problem", ["full", "read-only"])
def test_an_address_file_that_can_not_be_written_costs_the_file_alone(
    problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28 if problem == "full" else 30, problem)

    monkeypatch.setattr(app, "write_whole", fail)
    with structlog.testing.capture_logs() as logs:
        app._write_address(tmp_path / "address", "127.0.0.1:1")
    (entry,) = logs
    assert entry["because"] == problem
    assert "--address-file" in entry["event"]
