"""The fixtures of the client's tests: a fake server, and pictures to send to it."""

from tests.unit.framewatch_client.conftest import (
    address,
    make_video,
    no_threads_left,
    picture,
    picture_file,
    service,
    thread_address,
)

__all__ = ["address", "make_video", "no_threads_left", "picture", "picture_file", "service", "thread_address"]
