"""The load of a stream's frames, as its last frames have shown it."""

from __future__ import annotations

from typing import cast

import numpy as np

from framewatch_core.errors import UndecodableImage
from framewatch_core.images.image import EncodedImage, Image
from framewatch_core.labels.labels import LabelSet
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.stream.config import StreamConfig
from framewatch_core.stream.messages import ReceivedFrame
from framewatch_core.stream.results import Timings
from framewatch_core.stream.session import SessionLimits, StreamSession
from framewatch_server.engine.jobs import Embedded, Load
from framewatch_server.engine.scoring_plan import ScoringPlan
from framewatch_server.rpc.frames_under_way import FrameJob, FramesUnderWay
from framewatch_server.rpc.large_frames import ScoreThread
from framewatch_server.vision.pixels.view import WHOLE

MS = 1_000_000


class Plan:
    view = WHOLE

    def scores(self, _: object) -> dict[str, tuple[LabelScore, ...]]:
        return {"": (LabelScore("a", 1.0, 1.0),)}


def ignore(_: FrameJob, __: Embedded | Exception) -> None:
    pass


def test_turns_cost_what_the_last_frames_have_cost() -> None:
    session = StreamSession[Image, ScoringPlan]("s", SessionLimits(running=1, waiting=9))
    session.configure(StreamConfig(LabelSet.of(["a"])), cast("ScoringPlan", Plan()))
    frames = FramesUnderWay(session, ScoreThread())
    embedded = Embedded(np.ones((1, 1), np.float32), Timings())
    loads = []
    shown: list[tuple[int, Embedded | Exception]] = [
        (400 * MS, embedded),
        (0, embedded),  # reused, without decoding
        (4 * MS, embedded),
        (900 * MS, UndecodableImage("broken")),
        (4 * MS, embedded),
    ]
    for frame_id, (decode_ns, result) in enumerate(shown, 1):
        session.receive(ReceivedFrame(frame_id, None, EncodedImage(bytes(1000)), 1000), 0)
        job = frames.start_next(ignore)
        assert job is not None
        loads.append(job.load)
        job.decode_ns = decode_ns
        frames.finish(job, result)
    assert loads == [Load.of(1, each, 1) for each in (10_000, 400 * MS, 200 * MS, 100 * MS, 900 * MS)]
