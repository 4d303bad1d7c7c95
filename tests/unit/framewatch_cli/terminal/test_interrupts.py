"""Ctrl-C as the end of a source."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from framewatch_cli.terminal.interrupts import first_interrupt


async def test_the_first_interrupt_ends_and_the_handler_is_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    ended = asyncio.Event()
    with first_interrupt(ended.set) as interrupt:
        assert not interrupt.came
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(ended.wait(), 5)
        assert interrupt.came
        assert signal.getsignal(signal.SIGINT) is before
    assert signal.getsignal(signal.SIGINT) is before


async def test_without_an_interrupt_nothing_changes() -> None:
    before = signal.getsignal(signal.SIGINT)
    with first_interrupt(lambda: pytest.fail("nobody pressed Ctrl-C")) as interrupt:
        pass
    assert not interrupt.came
    assert signal.getsignal(signal.SIGINT) is before


async def test_unwanted_it_does_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    with first_interrupt(lambda: None, wanted=False):
        assert signal.getsignal(signal.SIGINT) is before
