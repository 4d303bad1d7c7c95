"""The engine's settings, made once of the server's configuration and passed on whole."""

from __future__ import annotations

from dataclasses import dataclass

from framewatch_server.vision.pixels.decode import DecodeLimits
from framewatch_server.vision.pixels.room import ANY_ROOM, PixelRoom


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings:
    """Bytes that each of a model's caches may keep; a larger value is computed each time.

    Attributes:
        text_bytes: of embeddings of label sets' texts.
        example_bytes: of discriminants of labels' examples.
        image_bytes: of vectors of calls' images; 0: none are kept.

    """

    text_bytes: int
    example_bytes: int
    image_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """Settings of decoding, batching and caching, for each model.

    Attributes:
        decode_limits: the largest images that are decoded.
        decode_threads: threads that decode.
        reduced_decode: large JPEGs are decoded at a fraction of their size where the model would not see more.
        max_batch_size: inputs that the device takes at once; None: the encoder's default.
        hang_timeout_s: seconds after which a thread's work counts as hanging.
        caches: bytes of the caches.
        pixel_room: bytes of decoded pixels; one for all models.

    """

    decode_limits: DecodeLimits
    decode_threads: int
    reduced_decode: bool
    max_batch_size: int | None
    hang_timeout_s: float = 30.0
    caches: CacheSettings
    pixel_room: PixelRoom = ANY_ROOM
