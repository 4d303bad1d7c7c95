"""Load on a server: simulated cameras, idle streams, and the cost of a frame."""
