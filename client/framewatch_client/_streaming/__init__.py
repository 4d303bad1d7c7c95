"""The client's side of StreamFrames."""
