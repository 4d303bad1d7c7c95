"""The connection to a server: limits of messages, keepalive, and retries of calls."""

from __future__ import annotations

import json

import grpc

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Bytes of a request or a response at most."""

_RETRIES = {
    "methodConfig": [
        {
            "name": [
                {"service": "framewatch.v1.ZeroShotService", "method": method}
                for method in ("Classify", "Similarity", "Embed", "ListModels")
            ],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.2s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}

_CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    # cameras are often behind routers that drop idle connections
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC refuses calls while it waits to connect again: it should not wait longer than a stream's backoff
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.enable_retries", 1),
    # a larger request is not tried again
    ("grpc.per_rpc_retry_buffer_size", MAX_MESSAGE_BYTES),
    ("grpc.service_config", json.dumps(_RETRIES)),
)


def open_channel(address: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    """Opens a connection on the running event loop. `credentials`: for TLS; None: no encryption."""
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=_CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(address, credentials, options=_CHANNEL_OPTIONS)
