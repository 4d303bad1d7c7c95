"""A server process with a checkpoint in OpenCLIP's format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import grpc

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc
from framewatch_bench.spawn import ServerProcess
from tests.integration.conftest import image, label_set


def test_a_server_classifies_and_prints_only_its_log(checkpoints: Callable[[str], Path]) -> None:
    folder = checkpoints("SigLIP")
    with ServerProcess("--model", f"siglip={folder}", "--dtype", "bfloat16") as server:
        with grpc.insecure_channel(server.address) as channel:
            stub = pb_grpc.ZeroShotServiceStub(channel)
            (model,) = stub.ListModels(pb.ListModelsRequest()).models
            answer = stub.Classify(pb.ClassifyRequest(image=image(), label_set=label_set("a dog", "word " * 40)))
        assert server.stop() == 0
    assert (model.name, model.family, model.score_function) == ("siglip", "open_clip", pb.SCORE_FUNCTION_SIGMOID)
    assert (model.image_width, model.dimension, model.max_text_tokens) == (160, 64, 64)
    assert len(answer.scores) == 2
    assert [warning.reason for warning in answer.warnings] == ["TEXT_TRUNCATED"]
    assert server.other_output == []
