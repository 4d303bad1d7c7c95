"""Limits, and the account of bytes that are held."""

from __future__ import annotations

import pytest

from framewatch_core.errors import LimitExceeded
from framewatch_core.limits import ByteAccount, check_name


def test_an_account_counts_what_is_held() -> None:
    account = ByteAccount("calls", "bytes of calls", "max_call_bytes", 10)
    with account.holding(6), account.holding(4):
        assert account.held == 10
        with (
            pytest.raises(LimitExceeded, match="bytes of calls: 11 exceed the limit max_call_bytes of 10"),
            account.holding(1),
        ):
            pass
        assert account.held == 10
    assert account.held == 0


def test_an_account_is_given_back_after_an_error() -> None:
    account = ByteAccount("calls", "bytes of calls", "max_call_bytes", 10)
    with pytest.raises(ValueError, match="x"), account.holding(6):
        raise ValueError("x")
    assert account.held == 0


def test_names_have_a_length() -> None:
    check_name("the name", "x" * 256, "name")
    with pytest.raises(LimitExceeded) as caught:
        check_name("the name", "x" * 257, "name")
    assert (caught.value.field, caught.value.metadata["limit"]) == ("name", "max_name_chars")
