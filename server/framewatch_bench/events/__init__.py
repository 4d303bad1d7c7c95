"""Events against the truth on real and disturbed video."""
