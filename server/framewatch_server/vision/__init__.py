"""Compute: pictures and words to vectors. No asyncio, no grpc."""
