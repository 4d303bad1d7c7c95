"""ListModels, and several models in one server, over real gRPC."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.spawn import ServerProcess
from tests.integration.commands import run_server
from tests.integration.conftest import MakeServer, image, label_set
from tests.integration.errors import error_details
from tests.integration.streams import config, frame


def test_the_models_are_listed(stub: pb_grpc.ZeroShotServiceStub) -> None:
    (model,) = stub.ListModels(pb.ListModelsRequest()).models
    assert (model.name, model.family, model.dtype, model.device) == ("demo", "clip", "float32", "cpu")
    assert (model.image_width, model.image_height, model.dimension) == (80, 80, 96)
    assert (model.score_function, model.max_text_tokens) == (pb.SCORE_FUNCTION_SOFTMAX, 77)
    assert model.demo
    assert len(model.weights_digest) == 16


async def test_a_request_selects_a_model_by_name_and_the_first_by_default(make_server: MakeServer) -> None:
    stub = await make_server(models=("demo", "nothing=null", "twin=demo"))
    listed = (await stub.ListModels(pb.ListModelsRequest())).models
    assert [model.name for model in listed] == ["demo", "nothing", "twin"]
    assert listed[0].weights_digest == listed[2].weights_digest

    async def classified(model: str) -> str:
        request = pb.ClassifyRequest(model=model, image=image(), label_set=label_set("a", "b"))
        return str((await stub.Classify(request)).model)

    assert [await classified(model) for model in ("", "nothing", "twin")] == ["demo", "nothing", "twin"]
    with pytest.raises(grpc.RpcError) as caught:
        await classified("missing")
    error = error_details(caught.value)
    assert (error.code, error.reason) == ("NOT_FOUND", "MODEL_NOT_FOUND")
    assert "there is: demo, nothing, twin" in error.message


async def test_streams_of_several_models_run_side_by_side(make_server: MakeServer) -> None:
    stub = await make_server(models=("demo", "nothing=null"))

    async def watched(model: str) -> list[str]:
        call = stub.StreamFrames(iter([config("a", "b", model=model), *(frame(i) for i in range(20))]))
        return [response.WhichOneof("response") async for response in call]

    answers = await asyncio.gather(*(watched(model) for model in ("demo", "nothing", "demo", "nothing")))
    assert answers == [["started", *["result"] * 20]] * 4


async def test_a_stream_gets_a_warning_for_a_prompt_that_is_too_long(make_server: MakeServer) -> None:
    stub = await make_server()
    long = pb.StreamFramesRequest(
        config=pb.StreamConfig(
            label_set=pb.LabelSet(
                labels=[pb.Label(name="a", contrast_prompts=["fine", "word " * 100]), pb.Label(name="b")]
            )
        )
    )
    requests = [config("a", "b"), frame(0), long, frame(1), long, frame(2)]
    answers = [each async for each in stub.StreamFrames(iter(requests))]
    kinds = [each.WhichOneof("response") for each in answers]
    assert kinds.count("config_warnings") == 2
    for version in (2, 3):
        (at,) = [i for i, each in enumerate(answers) if each.config_warnings.config_version == version]
        (warning,) = answers[at].config_warnings.warnings
        assert warning.reason == "TEXT_TRUNCATED"
        assert warning.field == "config.label_set.labels[0].contrast_prompts[1]"
        results = [i for i, each in enumerate(answers) if each.result.config_version == version]
        assert all(at < i for i in results)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(
            ["--model", "demo", "--model", "demo"], "'demo' and 'demo' are both named 'demo'", id="the same model twice"
        ),
        pytest.param(["--model", "demo", "--model", "demo=null"], "--model other=null", id="the same name"),
        pytest.param(
            ["--model", "demo", "--model", "no such thing"],
            "'no such thing' is no folder and no hub id",
            id="neither folder nor hub id",
        ),
        pytest.param(["--model", "acme/no-such", "--offline"], "offline", id="not cached, offline"),
    ],
)
def test_models_that_can_not_be_served_are_refused(arguments: list[str], expected: str, tmp_path: Path) -> None:
    done = run_server("serve", "--listen", "127.0.0.1:0", *arguments, HF_HOME=str(tmp_path))
    assert done.returncode == 1
    assert expected in done.stderr


@pytest.mark.parametrize(
    ("flags", "variable"),
    [(["--model", "demo", "--model", "other=null"], ""), ([], "demo other=null")],
    ids=["flags", "environment"],
)
def test_flags_or_the_environment_name_several_models(
    flags: list[str], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv("FRAMEWATCH_MODEL", variable)
    with ServerProcess(*flags) as server, grpc.insecure_channel(server.address) as channel:
        listed = pb_grpc.ZeroShotServiceStub(channel).ListModels(pb.ListModelsRequest()).models
    assert [model.name for model in listed] == ["demo", "other"]
