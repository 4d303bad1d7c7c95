"""Benchmarks of speed and memory (`framewatch-server bench`), each figure beside a peer or a limit of the same run."""
