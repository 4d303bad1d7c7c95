"""Towers in int8 that are kept in a folder, which several servers may share."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import openvino
import structlog

from framewatch_server.vision.error_text import first_line
from framewatch_server.whole_files import write_whole

_MODEL = "model.xml"  # beside it is model.bin
_LOCK_TRIES = 1200
_BETWEEN_TRIES_S = 0.5
_SHARED = 0o755

_log = structlog.get_logger()


class KeptTower:
    """The place of one tower, or of the reason why there is none.

    A folder with both files of the model appears at once, so that nobody reads one server's weights under another one's
    graph. Nothing here is needed to serve: what can't be read is made anew, and what can't be written is not kept.
    """

    def __init__(self, folder: Path, key: str, pause: Callable[[float], None] = time.sleep) -> None:
        """Describes a place.

        Args:
            folder: of all kept towers; need not exist.
            key: identifies the tower; letters and digits.
            pause: waits so many seconds, while another server holds the lock.

        """
        self._folder = folder
        self._key = key
        self._pause = pause
        self._place = folder / key
        self._refusal = folder / f"{key}.refused"

    def refusal(self) -> str:
        """Returns the reason why the tower must not be in int8; empty if none is kept."""
        try:
            return self._refusal.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            _log.warning("a kept refusal of int8 can't be read", file=str(self._refusal), because=first_line(error))
            return ""

    def model(self) -> openvino.Model | None:
        """Returns the model; None if none is kept, or it can't be read."""
        try:
            if not (self._place / _MODEL).exists():
                return None
            return openvino.Core().read_model(self._place / _MODEL)
        except (OSError, RuntimeError) as error:
            _log.warning(
                "a model kept in int8 can't be read: making it anew", place=str(self._place), because=first_line(error)
            )
            return None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keeps other servers from making the same tower meanwhile: they wait, and find it kept.

        Without a lock, in a folder that can't be written or on a disk that has none, the work may be done twice, and
        one of the results is kept.
        """
        lock = self._opened_lock()
        try:
            if lock is not None and self._acquire(lock):
                self._remove_leftovers()
            yield
        finally:
            if lock is not None:
                os.close(lock)

    def keep(self, model: openvino.Model) -> None:
        """Keeps a model, in the place of the one that is there; logs it if that is not possible."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            making = Path(tempfile.mkdtemp(prefix=self._making, dir=self._folder))
        except OSError as error:
            self._not_kept(error)
            return
        try:
            openvino.save_model(model, making / _MODEL, compress_to_fp16=False)
            openvino.Core().read_model(making / _MODEL)  # a full disk is reported by nothing else
            making.chmod(_SHARED)
            self._put(making)
        except (OSError, RuntimeError) as error:
            self._not_kept(error)
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def keep_refusal(self, reason: str) -> None:
        """Keeps the reason why the tower must not be in int8; logs it if that is not possible."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._refusal, f"{reason}\n")
        except OSError as error:
            self._not_kept(error)

    @property
    def _making(self) -> str:
        return f".{self._key}.making-"

    def _put(self, made: Path) -> None:
        """Moves a folder to the place; what is there is damaged, or another server's and as good."""
        if self._place.exists():
            self._place.rename(made / "replaced")
        made.rename(self._place)
        shutil.rmtree(self._place / "replaced", ignore_errors=True)

    def _not_kept(self, error: Exception) -> None:
        _log.warning(
            "the model in int8 can't be kept, and is made again at the next start: make the folder writable, free some "
            "of its disk, or give another with --cache-dir",
            folder=str(self._folder),
            because=first_line(error),
        )

    def _opened_lock(self) -> int | None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return os.open(self._folder / f".{self._key}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            _log.debug("no lock", folder=str(self._folder), because=first_line(error))
            return None

    def _acquire(self, lock: int) -> bool:
        for i in range(_LOCK_TRIES):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if i == 0:
                    _log.info("another server makes int8 of this model: waiting for it", folder=str(self._folder))
                self._pause(_BETWEEN_TRIES_S)
            except OSError as error:
                _log.debug("no lock", folder=str(self._folder), because=first_line(error))
                return False
            else:
                return True
        return False

    def _remove_leftovers(self) -> None:
        """Removes what servers have left that were killed; only with the lock."""
        for path in self._folder.glob(f"{self._making}*"):
            shutil.rmtree(path, ignore_errors=True)
