"""The device's health: told from the failures of pictures by one that is known to be good."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import structlog

from framewatch_core.arrays import UInt8Array
from framewatch_core.errors import ModelLoadError
from framewatch_server.vision.towers.encoder import ImageTower

_DOUBTED_AFTER = 3
"""Failed batches in a row after which the device is tried."""

_log = structlog.get_logger()


def good_picture(image_size: tuple[int, int]) -> UInt8Array:
    """Returns an input that no working model fails on: a grey slope, uint8 `[1, 3, height, width]`."""
    height, width = image_size
    row = np.linspace(96, 160, width).astype(np.uint8)
    return np.broadcast_to(row, (1, 3, height, width)).copy()


class DeviceHealth:
    """Finds out whether the device works; called on the device thread.

    A batch may fail because of its pictures, and whoever sends them must not turn the server's health off. So a device
    that fails on several batches in a row is tried with a good picture, and only that one's failure counts.
    """

    def __init__(self, tower: ImageTower, image_size: tuple[int, int], on_health: Callable[[bool], None]) -> None:
        """Begins with a device that works.

        Args:
            tower: runs on the device.
            image_size: height and width of the model's input, in pixels.
            on_health: called with False when the device fails, and with True when it works again.

        """
        self._tower = tower
        self._picture = good_picture(image_size)
        self._on_health = on_health
        self._failed_batches = 0
        self._is_failing = False

    @property
    def is_failing(self) -> bool:
        """True from the report of a failure to that of the recovery."""
        return self._is_failing

    def warm(self) -> None:
        """Embeds the good picture for the first time. Raises ModelLoadError if its vector is not finite."""
        if not np.isfinite(self._tower.encode(self._picture)).all():
            raise ModelLoadError(
                "the model returns numbers that are not finite for a plain grey picture: the range of its dtype is too "
                "small, or its weights are damaged; give another --dtype, or check it with `framewatch-server models "
                "verify`"
            )

    def saw_batch(self, *, failed: bool) -> None:
        """Takes the outcome of a batch; `failed`: all of its images have."""
        if not failed:
            self._failed_batches = 0
            self._report(works=True)
            return
        self._failed_batches += 1
        if self._failed_batches >= _DOUBTED_AFTER and not self._is_failing:
            self._failed_batches = 0
            self._report(works=self._works())

    def try_again(self) -> None:
        """Tries a device that fails: without traffic, which a failing server has none of, nothing else would."""
        if self._is_failing:
            self._report(works=self._works())

    def _works(self) -> bool:
        try:
            vectors = self._tower.encode(self._picture)
        except BaseException:
            _log.warning("the device fails on a good picture", exc_info=True)
            return False
        return len(vectors) == 1 and bool(np.isfinite(vectors).all())

    def _report(self, *, works: bool) -> None:
        if works is not self._is_failing:
            return
        self._is_failing = not works
        if works:
            _log.warning("the device works again")
        else:
            _log.critical("the device failed several batches in a row, and a picture that is known to be good")
        self._on_health(works)
