"""StreamFrames over real gRPC."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_core.labels.labels import DEFAULT_CONTRAST
from tests.integration.conftest import MakeServer, encode, image, jpeg, label_set, picture
from tests.integration.errors import error_details
from tests.integration.streams import Request, Response, config, frame, outcome, results, seconds, split
from tests.unit.framewatch_server.engine.rig import queued_for_device


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


def test_a_broken_frame_gets_an_outcome_and_the_stream_continues(stub: pb_grpc.ZeroShotServiceStub) -> None:
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


async def test_a_frame_over_a_limit_gets_an_outcome(make_server: MakeServer) -> None:
    stub = await make_server(max_image_pixels=160 * 120)
    requests = [config(), frame(1), frame(2, jpeg(0, 161, 120)), frame(3)]
    _, outcomes, _ = split([r async for r in stub.StreamFrames(iter(requests))])
    assert outcomes == [(1, "scores"), (2, "IMAGE_TOO_LARGE"), (3, "scores")]


def separating_rule(stub: pb_grpc.ZeroShotServiceStub, first: bytes, second: bytes) -> tuple[pb.EventRule, pb.LabelSet]:
    """Returns a rule whose threshold only the first picture reaches, with any model, and its labels."""
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
    present, absent = jpeg(1), encode(picture(1)[::-1] // 3, ".jpg")
    rule, labels = separating_rule(stub, present, absent)
    rule.id = "r1"
    rule.min_present.FromMilliseconds(200)
    rule.min_absent.FromMilliseconds(100)
    # such a swap of pictures is a change of scene, whose frames would be held
    health, origin = pb.HealthPolicy(disabled=True), Timestamp(seconds=1_000_000)
    first = Request(config=pb.StreamConfig(label_set=labels, rules=[rule], health=health, origin_time=origin))
    pictures = [absent, present, present, present, present, absent, absent, absent]
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


def test_a_new_config_applies_to_the_frames_after_it(stub: pb_grpc.ZeroShotServiceStub) -> None:
    received = results(stub, config("a"), frame(1), config("b", "c"), frame(2))
    assert [result.config_version for result in received] == [1, 2]
    assert [{s.label for s in r.scores.regions[0].scores} for r in received] == [{"a"}, {"b", "c"}]


RULE = pb.EventRule(label="box", enter_at=0.5)


@pytest.mark.parametrize(
    ("requests", "code", "reason", "field"),
    [
        pytest.param([frame(1)], "FAILED_PRECONDITION", "MISSING_CONFIG", "", id="a frame before the config"),
        pytest.param([Request()], "INVALID_ARGUMENT", "MISSING_FIELD", "request", id="an empty message"),
        pytest.param([Request(config=pb.StreamConfig())], "INVALID_ARGUMENT", "MISSING_FIELD", "config.label_set", id="no labels"),
        pytest.param([config("a", "a")], "INVALID_ARGUMENT", "INVALID_LABEL_SET", "config.label_set.labels[1].name", id="repeated label"),
        pytest.param([config(rules=[pb.EventRule(label="x", enter_at=1)])], "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].label", id="unknown label"),
        pytest.param([config(rules=[pb.EventRule(label="box")])], "INVALID_ARGUMENT", "MISSING_FIELD", "config.rules[0].enter_at", id="no threshold"),
        pytest.param([config(rules=[RULE, RULE])], "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].id", id="repeated rule"),
        pytest.param([config(rules=[pb.EventRule(label="box", enter_at=2)])], "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].enter_at", id="threshold above 1"),
        pytest.param([config(rules=[pb.EventRule(label="box", enter_at=0.5, exit_below=0.6)])], "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].exit_below", id="exit above enter"),
        pytest.param([config(rules=[pb.EventRule(label="box", enter_at=0.5, min_present=Duration(seconds=-1))])], "INVALID_ARGUMENT", "INVALID_RULE", "config.rules[0].min_present", id="negative time"),
        pytest.param([config(rules=[pb.EventRule(label="box", enter_at=0.5, min_present=Duration(nanos=2**31 - 1))])], "INVALID_ARGUMENT", "INVALID_FIELD", "config.rules[0].min_present", id="invalid duration"),
        pytest.param([config(rules=[pb.EventRule(label="box", enter_at=0.5, score_kind=99)])], "INVALID_ARGUMENT", "INVALID_FIELD", "config.rules[0].score_kind", id="unknown score"),
        pytest.param([config(overflow_policy=99)], "INVALID_ARGUMENT", "INVALID_FIELD", "config.overflow_policy", id="unknown policy"),
        pytest.param([config(max_frame_rate=-1)], "INVALID_ARGUMENT", "INVALID_FIELD", "config.max_frame_rate", id="negative rate"),
        pytest.param([config(rules=[pb.EventRule(id=str(i), label="box", enter_at=0.5) for i in range(1001)])], "RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED", "config.rules", id="too many rules"),
        pytest.param([config(model="nope")], "NOT_FOUND", "MODEL_NOT_FOUND", "", id="unknown model"),
        pytest.param([config(), config(model="demo")], "INVALID_ARGUMENT", "INVALID_FIELD", "config.model", id="another model later"),
    ],
)  # fmt: skip
def test_an_invalid_request_ends_the_call_with_code_reason_and_field(
    stub: pb_grpc.ZeroShotServiceStub, requests: list[Request], code: str, reason: str, field: str
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        list(stub.StreamFrames(iter(requests)))
    error = error_details(caught.value)
    assert (error.code, error.reason, error.field) == (code, reason, field)


def test_an_invalid_config_loses_no_result_of_the_frames_before_it(stub: pb_grpc.ZeroShotServiceStub) -> None:
    requests = [config(), *(frame(i) for i in range(1, 6)), config("a", "a"), frame(6)]
    received = []
    with pytest.raises(grpc.RpcError, match="unique"):
        for response in stub.StreamFrames(iter(requests)):
            received.append(response)  # noqa: PERF402 the error comes after them
    _, outcomes, _ = split(received)
    assert outcomes == [(i, "scores") for i in range(1, 6)]


def test_block_drops_no_frame_of_a_fast_client(stub: pb_grpc.ZeroShotServiceStub) -> None:
    requests = [config(overflow_policy=pb.OVERFLOW_POLICY_BLOCK), *(frame(i) for i in range(1, 301))]
    _, outcomes, _ = split(stub.StreamFrames(iter(requests)))
    assert outcomes == [(i, "scores") for i in range(1, 301)]


class GatedModel:
    """Stops the model before each batch until batches are allowed, some or all, and records their sizes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from framewatch_server.vision.towers.torch_images import TorchImageTower

        self.released = threading.Event()
        self._allowed = threading.Semaphore(0)
        self.entered = threading.Semaphore(0)
        self.batches: list[int] = []
        encode = TorchImageTower.encode

        def gated(tower: TorchImageTower, pixels: Any) -> Any:
            self.batches.append(len(pixels))
            self.entered.release()
            if not self.released.is_set():
                assert self._allowed.acquire(timeout=60)
            return encode(tower, pixels)

        monkeypatch.setattr(TorchImageTower, "encode", gated)

    def allow(self, count: int) -> None:
        """Lets a number of batches through."""
        self._allowed.release(count)

    def release(self) -> None:
        """Lets all batches through from now on."""
        self.released.set()
        self._allowed.release()

    async def wait_for_a_batch(self) -> None:
        await asyncio.to_thread(self.entered.acquire)


async def read_all(call: Any) -> list[Response]:
    """Returns the remaining responses of a call that is read message by message."""
    responses = []
    while (response := await call.read()) is not grpc.aio.EOF:
        responses.append(response)
    return responses


async def test_drop_oldest_reports_every_drop_and_keeps_the_newest(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from framewatch_server.engine import scorer

    decoded: list[object] = []
    prepare = scorer.prepare_view
    monkeypatch.setattr(
        scorer, "prepare_view", lambda image, *rest, **more: (decoded.append(image), prepare(image, *rest, **more))[1]
    )
    stub = await make_server(stream_running_frames=1, stream_waiting_frames=2)
    model = GatedModel(monkeypatch)
    call = stub.StreamFrames()
    await call.write(config(overflow_policy=pb.OVERFLOW_POLICY_DROP_OLDEST, rules=[]))
    await call.write(frame(1))
    await model.wait_for_a_batch()
    for i in range(2, 11):
        await call.write(frame(i))
    # the server takes this frame last: once its result has arrived, all other frames have been taken
    await call.write(frame(5))
    await call.done_writing()
    model.release()
    _, outcomes, _ = split(await read_all(call))
    assert [frame_id for frame_id, _ in outcomes] == [*range(1, 11), 5]
    kinds = [kind for _, kind in outcomes]
    assert kinds[0] == "scores"
    assert kinds[-3:] == ["scores", "scores", "OUT_OF_ORDER"], "the newest are kept"
    assert set(kinds[1:-3]) <= {"DROP_REASON_OVERFLOW", "scores"}
    assert len(decoded) == kinds.count("scores"), "a dropped frame is never decoded"


async def test_a_stream_with_one_frame_does_not_wait_behind_a_busy_one(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = await make_server(max_batch_size=1, decode_threads=1, stream_running_frames=20, stream_waiting_frames=20)
    model = GatedModel(monkeypatch)
    busy, quiet = stub.StreamFrames(), stub.StreamFrames()
    for call in (busy, quiet):
        await call.write(config())
        await call.read()
    for i in range(30):
        await busy.write(frame(i))
    await model.wait_for_a_batch()
    await quiet.write(frame(1))
    # three frames of the busy stream were admitted earlier; now both streams take turns
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
    model = GatedModel(monkeypatch)
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
    assert model.batches == [1, 4], "jobs that arrived while the device was busy share a batch"
    assert [r[-1].result.timings.batch_size for r in responses] == [1, 4, 4, 4]
    assert (await classify).timings.batch_size == 4


async def test_a_failed_batch_fails_its_frames_and_the_stream_continues(
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
    outcomes = []
    for i in range(1, 4):
        await call.write(frame(i))
        outcomes.append(outcome(await call.read()))
    assert outcomes == [(1, "INTERNAL"), (2, "INTERNAL"), (3, "scores")]


async def test_a_cancelled_stream_leaves_no_tasks_behind(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = await make_server()
    model = GatedModel(monkeypatch)
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


async def test_a_stream_beyond_the_limit_is_refused_and_others_continue(make_server: MakeServer) -> None:
    stub = await make_server(max_streams=1)
    first = stub.StreamFrames()
    await first.write(config())
    await first.read()
    with pytest.raises(grpc.RpcError) as caught:
        _ = [r async for r in stub.StreamFrames(iter([config()]))]
    error = error_details(caught.value)
    assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    assert error.metadata == {"limit": "max_streams", "maximum": "1", "actual": "2"}
    await first.write(frame(1))
    assert outcome(await first.read()) == (1, "scores")
    await first.done_writing()
    assert await read_all(first) == []
    assert [r async for r in stub.StreamFrames(iter([config()]))], "the ended stream has freed its place"


async def test_concurrent_first_users_of_a_label_set_share_one_computation(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from framewatch_server.vision.towers.torch_texts import TorchTextTower

    stub = await make_server()
    encoded: list[str] = []
    encode = TorchTextTower.encode

    def counting(tower: TorchTextTower, texts: Any) -> Any:
        encoded.extend(texts)
        return encode(tower, texts)

    monkeypatch.setattr(TorchTextTower, "encode", counting)
    request = pb.ClassifyRequest(image=image(), label_set=label_set("zebra", "yak"))
    responses = await asyncio.gather(*(stub.Classify(request) for _ in range(8)))
    assert sorted(encoded) == sorted(["a photo of yak", "a photo of zebra", *DEFAULT_CONTRAST])
    assert len({response.scores[0].label for response in responses}) == 1
