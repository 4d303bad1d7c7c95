"""The size of a slice of text: as much as takes about as long as a batch of images."""

from __future__ import annotations

_SHORTEST_S = 0.05
_LONGEST_S = 0.25
_LEAST_COST = 128.0  # a dozen short texts or two long ones
_MOST_COST = 65_536.0  # for devices so fast that time does not bound it
_WEIGHT = 0.3  # of the newest measurement
_FASTEST_GROWTH = 2.0  # from one slice to the next: a single measurement may be wrong
_FIRST_REGROWTH = 0.1  # of the most that may fit, from one slice to the next after one did not
_SLOWEST_REGROWTH = 0.001
_LEAST_SHARE = 0.25  # of a slice's time that depends on its size, whatever noisy measurements say

_BYTES_A_TOKEN = 3
_OWN_TOKENS = 2  # of the beginning and the end


def token_count(text: str, max_tokens: int) -> int:
    """Returns about how many tokens of a text the model reads, at most `max_tokens`."""
    return min(_OWN_TOKENS + len(text.encode(errors="replace")) // _BYTES_A_TOKEN + 1, max_tokens)


class TextBudget:
    """The cost that the next slice may have, in tokens with padding.

    Costs are estimates: their price in seconds is measured, slice by slice, and so is the time that a slice should
    take: that of a batch of images, within bounds. Part of a slice's time depends on no size (weights are read, and
    threads wait for each other); where that alone takes longer, a slice may take twice as long, since smaller ones
    would take nearly as long for less, but not more than the longest time beyond it.

    What did not fit into memory once may fit later, so the most that a slice may cost grows again; the more slowly, the
    more often that failed.
    """

    def __init__(self) -> None:
        self._target_s = _SHORTEST_S
        self._price = _Price()
        self._most = _MOST_COST
        self._regrowth = _FIRST_REGROWTH
        self._has_fitted = False  # a slice, since one that did not
        self.cost = _LEAST_COST

    def took_images(self, seconds: float) -> None:
        """Takes the duration of a batch of images."""
        bounded_s = min(max(seconds, _SHORTEST_S), _LONGEST_S)
        self._target_s += _WEIGHT * (bounded_s - self._target_s)

    def took_texts(self, cost: float, seconds: float) -> None:
        """Takes the cost and the duration of a slice."""
        self._price.take(cost, seconds)
        self._has_fitted = True
        self._most = min((1 + self._regrowth) * self._most, _MOST_COST)
        wanted = self._price.cost_of(self._target_s)
        changed = min(self.cost + _WEIGHT * (wanted - self.cost), _FASTEST_GROWTH * self.cost, self._most)
        # less than the least only after it did not fit into memory
        self.cost = max(changed, min(self.cost, _LEAST_COST))

    def ran_out_of_memory(self, cost: float) -> None:
        """Takes the cost of a slice that did not fit into the device's memory."""
        if self._has_fitted:
            self._regrowth = max(self._regrowth / 2, _SLOWEST_REGROWTH)
        self._has_fitted = False
        self._most = max(1.0, min(self._most, cost / 2))
        self.cost = min(self.cost, self._most)


class _Price:
    """The line through the latest slices: seconds = fixed + cost · slope, by least squares that forget."""

    def __init__(self) -> None:
        self._cost = self._seconds = 0.0  # means
        self._cost_cost = self._cost_seconds = 0.0  # variance and covariance
        self._is_first = True

    def take(self, cost: float, seconds: float) -> None:
        """Takes the cost and the duration of a slice."""
        weight = 1.0 if self._is_first else _WEIGHT
        self._is_first = False
        off, off_s = cost - self._cost, seconds - self._seconds
        self._cost += weight * off
        self._seconds += weight * off_s
        self._cost_cost = (1 - weight) * (self._cost_cost + weight * off * off)
        self._cost_seconds = (1 - weight) * (self._cost_seconds + weight * off * off_s)

    def cost_of(self, seconds: float) -> float:
        """Returns the cost of a slice that takes so long; see `TextBudget` for one whose fixed time is longer."""
        whole = max(self._seconds, 1e-6) / self._cost
        slope = self._cost_seconds / self._cost_cost if self._cost_cost > 0 else whole
        slope = min(max(slope, _LEAST_SHARE * whole), whole)
        fixed_s = self._seconds - slope * self._cost
        return max(seconds - fixed_s, min(fixed_s, _LONGEST_S)) / slope
