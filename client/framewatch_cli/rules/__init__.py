"""Rules files, recordings, calibration, evaluation and replay."""
