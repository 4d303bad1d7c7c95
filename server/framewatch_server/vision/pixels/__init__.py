"""From a caller's bytes to a model's input."""
