"""The largest batch that the device has memory for: lowered when it runs out, and tried again later."""

from __future__ import annotations

_FIRST_PATIENCE = 32
_LONGEST_PATIENCE = 4096


class BatchLimit:
    """Number of inputs that the device takes at once.

    Memory that runs out once may be there again: another process has ended, or one odd batch was to blame. After many
    batches that filled more than half of it without a failure, the limit doubles. Each attempt that fails doubles the
    number of batches before the next one, so that a device that is full stays usable.
    """

    def __init__(self, maximum: int) -> None:
        """`maximum`: inputs; the limit at the beginning."""
        self.maximum = maximum
        self.current = maximum
        self._patience = _FIRST_PATIENCE  # batches before the next attempt
        self._good = 0  # batches since the last change
        self._is_attempt = False  # the limit was raised, and has not held for long yet

    def lower_maximum(self, maximum: int) -> None:
        """Sets a lower bound than at the beginning: no attempt goes beyond it."""
        self.maximum = maximum
        self.current = min(self.current, maximum)

    def out_of_memory(self, size: int) -> bool:
        """Takes note of a batch that did not fit; returns True if smaller ones are possible."""
        if size <= 1:
            return False
        if self._is_attempt:
            self._patience = min(2 * self._patience, _LONGEST_PATIENCE)
        self._change(min(self.current, size // 2), is_attempt=False)
        return True

    def fitted(self, size: int) -> bool:
        """Takes note of a batch that fitted; returns True if the limit was raised."""
        if 2 * size <= self.current:
            return False  # a lower limit would do; frames with several regions seldom fill a batch to the last place
        self._good += 1
        if self._good < self._patience:
            return False
        if self._is_attempt:
            self._is_attempt = False
            self._patience = _FIRST_PATIENCE
        if self.current == self.maximum:
            return False
        self._change(min(2 * self.current, self.maximum), is_attempt=True)
        return True

    def _change(self, limit: int, *, is_attempt: bool) -> None:
        self.current = limit
        self._good = 0
        self._is_attempt = is_attempt
