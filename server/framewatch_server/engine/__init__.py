"""Concurrency: one device thread, a decode pool, batches across all callers. asyncio in front, no grpc."""
