"""Several models in one server, over real gRPC."""

from __future__ import annotations

from framewatch.v1 import framewatch_pb2 as pb
from framewatch.v1 import framewatch_pb2_grpc as pb_grpc


def test_the_models_are_told(stub: pb_grpc.ZeroShotServiceStub) -> None:
    (model,) = stub.ListModels(pb.ListModelsRequest()).models
    assert (model.name, model.family, model.dtype, model.device) == ("demo", "clip", "float32", "cpu")
    assert (model.image_width, model.image_height, model.dimension) == (80, 80, 96)
    assert (model.score_function, model.max_text_tokens) == (pb.SCORE_FUNCTION_SOFTMAX, 77)
    assert model.demo
    assert len(model.weights_digest) == 16
