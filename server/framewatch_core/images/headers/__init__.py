"""Walks over the headers of JPEG, PNG and WebP files; `framewatch_core.images.header` offers what they find.

Each walk follows the file as its decoders do, from segment to segment or chunk to chunk, and refuses what decoders read
differently from one another: what it returns is what is decoded, or nothing is. It loops over segments and chunks,
whose number is limited, never over bytes.
"""
