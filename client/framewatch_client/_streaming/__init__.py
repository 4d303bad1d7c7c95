"""One stream from the client's side."""
