"""Remarks on requests."""

from __future__ import annotations

from collections.abc import Iterable

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.stream.messages import ConfigWarnings


def warning_to_proto(warning: RequestWarning) -> pb.Warning:
    """Returns a remark as a message."""
    return pb.Warning(reason=warning.reason, message=warning.message, field=warning.field)


def warnings_from_proto(messages: Iterable[pb.Warning]) -> tuple[RequestWarning, ...]:
    """Returns remarks, in their order."""
    return tuple(RequestWarning(message.reason, message.message, message.field) for message in messages)


def config_warnings_to_proto(value: ConfigWarnings) -> pb.ConfigWarnings:
    """Returns the remarks on a config as a message."""
    return pb.ConfigWarnings(config_version=value.config_version, warnings=map(warning_to_proto, value.warnings))


def config_warnings_from_proto(message: pb.ConfigWarnings) -> ConfigWarnings:
    """Returns the remarks on a config."""
    return ConfigWarnings(message.config_version, warnings_from_proto(message.warnings))
