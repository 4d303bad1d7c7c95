"""Protobuf messages to and from framewatch_core; both directions of one subject in one module."""
