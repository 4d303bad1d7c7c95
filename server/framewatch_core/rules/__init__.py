"""Event rules, the engine that follows them, explanations and replay."""
