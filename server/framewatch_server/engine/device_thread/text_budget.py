"""The size of a slice of text: as much as takes about as long as a batch of images."""

from __future__ import annotations

_SHORTEST_S = 0.05
_LONGEST_S = 0.25
_FIRST_COST = 128.0  # eight short texts: nothing is known of the model's speed
_WEIGHT = 0.3  # of the newest measurement in the mean
_FASTEST_GROWTH = 2.0  # from one slice to the next: a single measurement may be wrong

_BYTES_A_TOKEN = 3
_OWN_TOKENS = 2  # of the beginning and the end


def token_count(text: str, max_tokens: int) -> int:
    """Returns about how many tokens of a text the model reads, at most `max_tokens`."""
    return min(_OWN_TOKENS + len(text.encode(errors="replace")) // _BYTES_A_TOKEN + 1, max_tokens)


class TextBudget:
    """The cost that the next slice may have, in tokens with padding.

    Costs are estimates: their price in seconds is measured, slice by slice, and so is the time that a slice should
    take: that of a batch of images, within bounds. A shorter slice would spend most of its time on reading the weights;
    a longer one would hold up streams.
    """

    def __init__(self) -> None:
        self._target_s = _SHORTEST_S
        self.cost = _FIRST_COST

    def took_images(self, seconds: float) -> None:
        """Takes the duration of a batch of images."""
        bounded_s = min(max(seconds, _SHORTEST_S), _LONGEST_S)
        self._target_s += _WEIGHT * (bounded_s - self._target_s)

    def took_texts(self, cost: float, seconds: float) -> None:
        """Takes the cost and the duration of a slice."""
        if cost < self.cost / 2 and seconds < self._target_s:
            return  # a small slice: most of its time depends on no size, and it proves nothing of larger ones
        wanted = cost * self._target_s / max(seconds, 1e-6)
        self.cost = max(1.0, min(self.cost + _WEIGHT * (wanted - self.cost), _FASTEST_GROWTH * self.cost))

    def ran_out_of_memory(self, cost: float) -> None:
        """Takes the cost of a slice that did not fit into the device's memory."""
        self.cost = max(1.0, min(self.cost, cost / 2))
