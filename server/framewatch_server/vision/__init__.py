"""Compute: pictures and texts to vectors. No asyncio, no grpc."""
