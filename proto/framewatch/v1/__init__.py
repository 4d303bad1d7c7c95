"""The stubs of framewatch.v1: `framewatch_pb2` (messages) and `framewatch_pb2_grpc` (the service)."""
