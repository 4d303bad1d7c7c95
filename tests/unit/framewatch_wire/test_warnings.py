from __future__ import annotations

from hypothesis import given

from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.stream.messages import ConfigWarnings
from framewatch_wire.warnings import (
    config_warnings_from_proto,
    config_warnings_to_proto,
    warning_to_proto,
    warnings_from_proto,
)
from tests.unit.framewatch_wire.sent import sent
from tests.unit.framewatch_wire.values import COUNTS, WARNINGS


@given(COUNTS, WARNINGS)
def test_warnings_arrive_as_they_were(version: int, warnings: tuple[RequestWarning, ...]) -> None:
    assert warnings_from_proto([sent(warning_to_proto(warning)) for warning in warnings]) == warnings
    value = ConfigWarnings(version, warnings)
    assert config_warnings_from_proto(sent(config_warnings_to_proto(value))) == value
