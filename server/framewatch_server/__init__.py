"""The framewatch server: rpc (the edge) → engine (concurrency) → vision (compute)."""
