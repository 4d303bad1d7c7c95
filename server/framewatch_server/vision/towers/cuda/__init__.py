"""The image tower on CUDA."""
