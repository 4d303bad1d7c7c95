"""The framewatch server, floor by floor: rpc (the edge) → engine (concurrency) → vision (compute) → framewatch_core."""
