"""The edge: gRPC in, gRPC out. Nothing is decided here."""
