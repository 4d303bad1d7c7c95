"""StreamFrames over real gRPC."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_core.labels.labels import DEFAULT_CONTRAST
from tests.integration.conftest import MakeServer, encode, image, jpeg, label_set, picture
from tests.integration.errors import told
from tests.unit.framewatch_server.engine.rig import queued_for_device

Request = pb.StreamFramesRequest
Response = pb.StreamFramesResponse


def config(*labels: str, **fields: Any) -> Request:
    return Request(config=pb.StreamConfig(label_set=label_set(*(labels or ("box", "nothing"))), **fields))


def seconds(value: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(value * 1e9))
    return duration


def frame(frame_id: int, data: bytes | None = None, time_s: float | None = None) -> Request:
    offset = None if time_s is None else seconds(time_s)
    return Request(
        frame=pb.Frame(frame_id=frame_id, image=image(jpeg(frame_id) if data is None else data), time_offset=offset)
    )


def outcome(response: Response) -> tuple[int, str]:
    result = response.result
    match result.WhichOneof("outcome"):
        case "dropped":
            return result.frame_id, pb.DropReason.Name(result.dropped.reason)
        case "error":
            return result.frame_id, pb.FrameErrorReason.Name(result.error.reason).removeprefix("FRAME_ERROR_REASON_")
        case other:
            return result.frame_id, str(other)


def split(responses: Iterable[Response]) -> tuple[Response, list[tuple[int, str]], list[pb.Event]]:
    """The started message, the outcomes and the events."""
    started, *rest = responses
    return started, [outcome(r) for r in rest if r.HasField("result")], [r.event for r in rest if r.HasField("event")]


def test_every_frame_has_one_outcome_in_order(stub: pb_grpc.ZeroShotServiceStub) -> None:
    requests = [config(), *(frame(i, jpeg(i), i / 10) for i in range(1, 101))]
    responses = list(stub.StreamFrames(iter(requests)))
    started, outcomes, events = split(responses)
    assert outcomes == [(i, "scores") for i in range(1, 101)]
    assert events == []
    assert started.started.model == "demo"
    assert started.started.config_version == 1
    assert started.started.in_flight_frame_count >= 1
    assert started.started.useful_short_side >= 96
    assert started.started.max_image_bytes == 32 * 1024 * 1024
    scores = responses[1].result.scores.regions[0].scores
    assert sum(score.probability for score in scores) == pytest.approx(1, abs=1e-5)
    assert responses[1].result.timings.batch_size >= 1
    assert responses[5].result.time_offset.ToMilliseconds() == 500
    assert responses[5].result.config_version == 1


def test_stream_and_classify_agree(stub: pb_grpc.ZeroShotServiceStub) -> None:
    classified = stub.Classify(pb.ClassifyRequest(image=image(), label_set=label_set("a", "b", "c")))
    *_, response = stub.StreamFrames(iter([config("a", "b", "c"), frame(1, jpeg())]))
    for streamed, single in zip(response.result.scores.regions[0].scores, classified.scores, strict=True):
        assert streamed.label == single.label
        assert streamed.probability == pytest.approx(single.probability, abs=1e-5)


def test_a_bad_frame_is_an_outcome_and_the_stream_goes_on(stub: pb_grpc.ZeroShotServiceStub) -> None:
    raw = pb.RawImage(data=b"x", width=5, height=5, pixel_format=pb.PIXEL_FORMAT_RGB24)
    requests = [
        config(),
        frame(1, time_s=0.1),
        frame(2, b"junk", 0.2),
        frame(3, jpeg()[:-100], 0.3),
        frame(3, time_s=0.4),
        frame(4, time_s=0.05),
        Request(frame=pb.Frame(frame_id=5, time_offset=seconds(0.5))),
        Request(frame=pb.Frame(frame_id=6, time_offset=seconds(0.6), image=pb.Image(raw=raw))),
        frame(7),
        frame(8, time_s=0.8),
    ]
    _, outcomes, _ = split(stub.StreamFrames(iter(requests)))
    assert outcomes == [
        (1, "scores"),
        (2, "UNSUPPORTED_FORMAT"),
        (3, "UNDECODABLE_IMAGE"),
        (3, "OUT_OF_ORDER"),
        (4, "OUT_OF_ORDER"),
        (5, "EMPTY_IMAGE"),
        (6, "INVALID_RAW_IMAGE"),
        (7, "OUT_OF_ORDER"),
        (8, "scores"),
    ]


async def test_a_frame_over_a_limit_is_an_outcome(make_server: MakeServer) -> None:
    stub = await make_server(max_image_pixels=160 * 120)
    requests = [config(), frame(1), frame(2, jpeg(0, 161, 120)), frame(3)]
    _, outcomes, _ = split([r async for r in stub.StreamFrames(iter(requests))])
    assert outcomes == [(1, "scores"), (2, "IMAGE_TOO_LARGE"), (3, "scores")]


def likeness_rule(stub: pb_grpc.ZeroShotServiceStub, first: bytes, second: bytes) -> tuple[pb.EventRule, pb.LabelSet]:
    """A rule that holds for the first picture and not for the second, whatever the model has learnt."""
    labels = label_set("box", "nothing")
    of_first, of_second = (
        next(s.probability for s in stub.Classify(pb.ClassifyRequest(image=image(i), label_set=labels)).scores if s.label == "box")
        for i in (first, second)
    )  # fmt: skip
    assert abs(of_first - of_second) > 1e-4
    label = "box" if of_first > of_second else "nothing"
    threshold = (of_first + of_second) / 2
    return pb.EventRule(label=label, enter_at=threshold if label == "box" else 1 - threshold), labels


def test_events_follow_their_frame_and_carry_their_times(stub: pb_grpc.ZeroShotServiceStub) -> None:
    there, gone = jpeg(1), encode(picture(1)[::-1] // 3, ".jpg")
    rule, labels = likeness_rule(stub, there, gone)
    rule.id = "r1"
    rule.min_present.FromMilliseconds(200)
    rule.min_absent.FromMilliseconds(100)
    # to swap pictures like that is a change of scene, which is another test's matter
    health, origin = pb.HealthPolicy(disabled=True), Timestamp(seconds=1_000_000)
    first = Request(config=pb.StreamConfig(label_set=labels, rules=[rule], health=health, origin_time=origin))
    pictures = [gone, there, there, there, there, gone, gone, gone]
    requests = [first, *(frame(i, data, 10 + i / 10) for i, data in enumerate(pictures))]
    responses = list(stub.StreamFrames(iter(requests)))
    order = [
        f"{r.result.frame_id}" if r.HasField("result") else pb.EventKind.Name(r.event.kind)[11:] for r in responses[1:]
    ]
    assert order == ["0", "1", "2", "3", "ENTERED", "4", "5", "6", "EXITED", "7"]
    entered, exited = (r.event for r in responses if r.HasField("event"))
    assert (entered.rule_id, entered.label) == ("r1", rule.label)
    assert (entered.frame_id, entered.began_frame_id) == (3, 1)
    assert (entered.time_offset.ToMilliseconds(), entered.began_time_offset.ToMilliseconds()) == (10_300, 10_100)
    assert entered.wall_time.ToMilliseconds() == 1_000_010_300
    assert entered.began_wall_time.ToMilliseconds() == 1_000_010_100
    assert not entered.HasField("present_duration")
    assert (exited.frame_id, exited.began_frame_id) == (6, 5)
    assert exited.present_duration.ToMilliseconds() == 400
    assert entered.peak_score >= entered.score >= rule.enter_at > exited.score
    assert entered.event_id != exited.event_id


def test_a_new_config_counts_for_the_frames_after_it(stub: pb_grpc.ZeroShotServiceStub) -> None:
    requests = [config("a"), frame(1), config("b", "c"), frame(2)]
    results = [r.result for r in stub.StreamFrames(iter(requests)) if r.HasField("result")]
    assert [result.config_version for result in results] == [1, 2]
    assert [{s.label for s in r.scores.regions[0].scores} for r in results] == [{"a"}, {"b", "c"}]


RULE = pb.EventRule(label="box", enter_at=0.5)


@pytest.mark.parametrize(
    ("requests", "code", "reason", "field"),
    [
        pytest.param([frame(1)], "FAILED_PRECONDITION", "MISSING_CONFIG", "", id="a frame before the config"),
        pytest.param([Request()], "INVALID_ARGUMENT", "MISSING_FIELD", "request", id="an empty message"),
        pytest.param([Request(config=pb.StreamConfig())], "INVALID_ARGUMENT", "MISSING_FIELD", "config.label_set", id="no labels"),
        pytest.param([config("a", "a")], "INVALID_ARGUMENT", "INVALID_LABEL_SET", "config.label_set.labels[1].name", id="label twice"),
        pytest.param([config(rules=[pb.EventRule(label="x", enter_at=1)])], "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].label", id="unknown label"),
        pytest.param([config(rules=[pb.EventRule(label="box")])], "INVALID_ARGUMENT", "MISSING_FIELD", "config.rules[0].enter_at", id="no threshold"),
        pytest.param([config(rules=[RULE, RULE])], "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].id", id="rule twice"),
        pytest.param([config(rules=[pb.EventRule(label="box", enter_at=2)])], "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].enter_at", id="threshold above 1"),
        pytest.param([config(rules=[pb.EventRule(label="box", enter_at=0.5, exit_below=0.6)])], "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].exit_below", id="exit above enter"),
        pytest.param([config(rules=[pb.EventRule(label="box", enter_at=0.5, min_present=Duration(seconds=-1))])], "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].min_present", id="negative time"),
        pytest.param([config(rules=[pb.EventRule(label="box", enter_at=0.5, min_present=Duration(nanos=2**31 - 1))])], "INVALID_ARGUMENT", "INVALID_FIELD", "config.rules[0].min_present", id="broken duration"),
        pytest.param([config(rules=[pb.EventRule(label="box", enter_at=0.5, score_kind=99)])], "INVALID_ARGUMENT", "INVALID_FIELD", "config.rules[0].score_kind", id="unknown score"),
        pytest.param([config(overflow_policy=99)], "INVALID_ARGUMENT", "INVALID_FIELD", "config.overflow_policy", id="unknown policy"),
        pytest.param([config(max_frame_rate=-1)], "INVALID_ARGUMENT", "INVALID_FIELD", "config.max_frame_rate", id="negative rate"),
        pytest.param([config(rules=[pb.EventRule(id=str(i), label="box", enter_at=0.5) for i in range(1001)])], "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "config.rules", id="too many rules"),
        pytest.param([config(model="nope")], "NOT_FOUND", "MODEL_NOT_FOUND", "", id="model"),
        pytest.param([config(), config(model="demo")], "INVALID_ARGUMENT", "INVALID_FIELD", "config.model", id="another model later"),
    ],
)  # fmt: skip
def test_errors_end_the_call(
    stub: pb_grpc.ZeroShotServiceStub, requests: list[Request], code: str, reason: str, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.StreamFrames(iter(requests)))
    error = told(caught.value)
    assert (error.code, error.reason, error.field) == (code, reason, field)


def test_a_bad_config_loses_no_result_of_the_frames_before_it(stub: pb_grpc.ZeroShotServiceStub) -> None:
    requests = [config(), *(frame(i) for i in range(1, 6)), config("a", "a"), frame(6)]
    received = []
    with pytest.raises(grpc.RpcError, match="unique"):
        for response in stub.StreamFrames(iter(requests)):
            received.append(response)  # noqa: PERF402 the error comes after them
    _, outcomes, _ = split(received)
    assert outcomes == [(i, "scores") for i in range(1, 6)]


def test_block_loses_nothing_however_fast_the_client_sends(stub: pb_grpc.ZeroShotServiceStub) -> None:
    requests = [config(overflow_policy=pb.OVERFLOW_POLICY_BLOCK), *(frame(i) for i in range(1, 301))]
    _, outcomes, _ = split(stub.StreamFrames(iter(requests)))
    assert outcomes == [(i, "scores") for i in range(1, 301)]


class HeldModel:
    """Holds the model's answers back until released, for good or for some batches, and counts the batches."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from framewatch_server.vision.towers.torch_images import TorchImageTower

        self.released = threading.Event()
        self._allowed = threading.Semaphore(0)
        self.entered = threading.Semaphore(0)
        self.batches: list[int] = []
        encode = TorchImageTower.encode

        def held(tower: TorchImageTower, pixels: Any) -> Any:
            self.batches.append(len(pixels))
            self.entered.release()
            if not self.released.is_set():
                assert self._allowed.acquire(timeout=60)
            return encode(tower, pixels)

        monkeypatch.setattr(TorchImageTower, "encode", held)

    def allow(self, count: int) -> None:
        """Lets so many batches through."""
        self._allowed.release(count)

    def release(self) -> None:
        """Lets everything through from now on."""
        self.released.set()
        self._allowed.release()

    async def wait_for_a_batch(self) -> None:
        await asyncio.to_thread(self.entered.acquire)


async def read_all(call: Any) -> list[Response]:
    """What is left of a call that is read message by message."""
    responses = []
    while (response := await call.read()) is not grpc.aio.EOF:
        responses.append(response)
    return responses


async def test_drop_oldest_tells_every_drop_and_keeps_the_newest(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from framewatch_server.vision.pixels import view

    decoded: list[object] = []
    decode = view.decode
    monkeypatch.setattr(view, "decode", lambda image, *rest: (decoded.append(image), decode(image, *rest))[1])
    stub = await make_server(stream_running_frames=1, stream_waiting_frames=2)
    model = HeldModel(monkeypatch)
    call = stub.StreamFrames()
    await call.write(config(overflow_policy=pb.OVERFLOW_POLICY_DROP_OLDEST, rules=[]))
    await call.write(frame(1))
    await model.wait_for_a_batch()
    for i in range(2, 11):
        await call.write(frame(i))
    # the last one is behind everything that the server has to take in: when its result is here, all others were taken
    await call.write(frame(5))
    await call.done_writing()
    model.release()
    _, outcomes, _ = split(await read_all(call))
    assert [frame_id for frame_id, _ in outcomes] == [*range(1, 11), 5]
    kinds = [what for _, what in outcomes]
    assert kinds[0] == "scores"
    assert kinds[-3:] == ["scores", "scores", "OUT_OF_ORDER"], "the newest are kept"
    assert set(kinds[1:-3]) <= {"DROP_REASON_OVERFLOW", "scores"}
    assert len(decoded) == kinds.count("scores"), "what is dropped is never decoded"


async def test_a_stream_with_one_frame_does_not_wait_behind_a_busy_one(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = await make_server(max_batch_size=1, decode_threads=1, stream_running_frames=20, stream_waiting_frames=20)
    model = HeldModel(monkeypatch)
    busy, quiet = stub.StreamFrames(), stub.StreamFrames()
    for call in (busy, quiet):
        await call.write(config())
        await call.read()
    for i in range(30):
        await busy.write(frame(i))
    await model.wait_for_a_batch()
    await quiet.write(frame(1))
    # three of the busy stream's frames were admitted before; then both take turns
    model.allow(5)
    assert (await quiet.read()).result.WhichOneof("outcome") == "scores"
    assert len(model.batches) <= 6
    model.release()
    for call, count in ((quiet, 0), (busy, 30)):
        await call.done_writing()
        assert sum(response.HasField("result") for response in await read_all(call)) == count


async def test_frames_of_concurrent_streams_share_batches(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = await make_server(stream_running_frames=1)
    model = HeldModel(monkeypatch)
    calls = [stub.StreamFrames() for _ in range(4)]
    for call in calls:
        await call.write(config())
        await call.read()
    await calls[0].write(frame(1))
    await model.wait_for_a_batch()
    for call in calls[1:]:
        await call.write(frame(1))
        await call.done_writing()
    request = pb.ClassifyRequest(image=image(), label_set=label_set("box", "nothing"))
    classify = asyncio.ensure_future(stub.Classify(request))
    scorer = stub.app._service.scorers[0]
    while queued_for_device(scorer._pipeline) < 4:
        await asyncio.sleep(0)
    model.release()
    await calls[0].done_writing()
    responses = [await read_all(call) for call in calls]
    assert model.batches == [1, 4], "what arrived while the device was busy is one batch"
    assert [r[-1].result.timings.batch_size for r in responses] == [1, 4, 4, 4]
    assert (await classify).timings.batch_size == 4


async def test_a_failed_batch_reaches_every_waiter_and_no_stream_ends(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from framewatch_server.vision.towers.torch_images import TorchImageTower

    stub = await make_server()
    encode = TorchImageTower.encode
    failures = iter([True, True])

    def fail_twice(tower: TorchImageTower, pixels: Any) -> Any:
        if next(failures, False):
            raise RuntimeError("device lost")
        return encode(tower, pixels)

    monkeypatch.setattr(TorchImageTower, "encode", fail_twice)
    call = stub.StreamFrames()
    await call.write(config())
    await call.read()
    seen = []
    for i in range(1, 4):
        await call.write(frame(i))
        seen.append(outcome(await call.read()))
    assert seen == [(1, "INTERNAL"), (2, "INTERNAL"), (3, "scores")]


async def test_a_client_that_goes_away_leaves_nothing_behind(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = await make_server()
    model = HeldModel(monkeypatch)
    call = stub.StreamFrames()
    await call.write(config())
    for i in range(1, 30):
        await call.write(frame(i))
    await model.wait_for_a_batch()
    call.cancel()
    while stub.app._service.under_way()["stream"]:
        await asyncio.sleep(0)
    model.release()
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not names & {"stream reader", "stream drain", "frame"}
    again = [r async for r in stub.StreamFrames(iter([config(), frame(1)]))]
    assert outcome(again[-1]) == (1, "scores")


async def test_streams_beyond_the_limit_are_refused_and_others_go_on(make_server: MakeServer) -> None:
    stub = await make_server(max_streams=1)
    first = stub.StreamFrames()
    await first.write(config())
    await first.read()
    with pytest.raises(grpc.RpcError) as caught:
        _ = [r async for r in stub.StreamFrames(iter([config()]))]
    error = told(caught.value)
    assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert error.metadata == {"limit": "max_streams", "maximum": "1", "actual": "2"}
    await first.write(frame(1))
    assert outcome(await first.read()) == (1, "scores")
    await first.done_writing()
    assert await read_all(first) == []
    assert [r async for r in stub.StreamFrames(iter([config()]))], "its place is free again"


async def test_concurrent_first_users_of_a_label_set_share_one_computation(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from framewatch_server.vision.towers.torch_texts import TorchTextTower

    stub = await make_server()
    asked: list[str] = []
    encode = TorchTextTower.encode

    def counting(tower: TorchTextTower, texts: Any) -> Any:
        asked.extend(texts)
        return encode(tower, texts)

    monkeypatch.setattr(TorchTextTower, "encode", counting)
    request = pb.ClassifyRequest(image=image(), label_set=label_set("zebra", "yak"))
    responses = await asyncio.gather(*(stub.Classify(request) for _ in range(8)))
    assert sorted(asked) == sorted(["a photo of yak", "a photo of zebra", *DEFAULT_CONTRAST])
    assert len({response.scores[0].label for response in responses}) == 1
