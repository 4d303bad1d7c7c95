"""The connection to a server: limits of messages, keepalive, retries of calls, and proxies."""

from __future__ import annotations

import ipaddress
import json
import re

import grpc

from framewatch_client._forks import check_channels_work, register

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Bytes of a request or a response at most."""

MAX_UNREAD_BYTES = 1024 * 1024
"""Bytes of a stream's responses that are received ahead of their reader, besides one message."""

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
    ("grpc.http2.ping_timeout_ms", 10_000),  # the one that counts if the server is stopped; a minute by default
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC refuses calls while it waits to connect again: it should not wait longer than a stream's backoff
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # what a stream's caller has not read: gRPC would take in ever more of it, 200 MB a stream of large results
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", MAX_UNREAD_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.enable_retries", 1),
    # a larger request is not tried again
    ("grpc.per_rpc_retry_buffer_size", MAX_MESSAGE_BYTES),
    ("grpc.service_config", json.dumps(_RETRIES)),
)


# gRPC takes the proxy of the environment for this machine's own servers too
_NO_PROXY = ("grpc.enable_http_proxy", 0)

# `dns://AUTHORITY/NAME`, `dns:NAME`, `ipv4:NAME`, `ipv6:NAME`; a port is digits
_SCHEME = re.compile(r"\A(?:dns:(?://[^/]*/)?|ipv[46]:(?:///)?)", re.IGNORECASE)
_PORT = re.compile(r"(?<=[^:]):[0-9]+\Z")


def open_channel(address: str, credentials: grpc.ChannelCredentials | None) -> grpc.aio.Channel:
    """Opens a connection on the running event loop.

    The proxy that the environment names (`https_proxy` and others, except for `no_proxy`) is used, but not for servers
    of this machine.

    Args:
        address: `HOST:PORT`.
        credentials: for TLS; None: no encryption.

    Raises:
        ClientForked: the process is the child of one with a connection.

    """
    check_channels_work()
    options = (*_CHANNEL_OPTIONS, _NO_PROXY) if is_loopback(address) else _CHANNEL_OPTIONS
    if credentials is None:
        channel = grpc.aio.insecure_channel(address, options=options)
    else:
        channel = grpc.aio.secure_channel(address, credentials, options=options)
    register(channel)
    return channel


def is_loopback(address: str) -> bool:
    """Returns True if the address is one of this machine only, such as `localhost:50051`."""
    host = _PORT.sub("", _SCHEME.sub("", address)).strip("[]").rstrip(".").casefold()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
