"""Messages that are written without protobuf's objects, because they are large."""
