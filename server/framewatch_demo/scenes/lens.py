"""Effects of a camera on a scene: light, colour cast, blur, noise, compression, and the night."""

import cv2
import numpy as np
from numpy.typing import NDArray

from framewatch_demo.scenes.canvas import Field, Image
from framewatch_demo.scenes.textures import white_noise

_DIMMEST_DAY = 85.0
_WIDEST_IRIS = 3.0
_NIGHT_BRIGHTNESS = (48.0, 78.0)
_NIGHT_CASTS = ((1.25, 1.0, 0.85), (1.0, 1.0, 1.0), (1.0, 1.1, 0.95), (1.1, 1.05, 0.9))


def photograph(image: Image, rng: np.random.Generator, night: bool) -> Image:
    """Returns the scene as a camera delivers it by day or by night; the same shape and dtype."""
    picture = image.astype(np.float32)
    picture *= _light(rng, image.shape[0], image.shape[1], night)[:, :, None]
    picture = _night_colours(picture, rng) if night else _day_colours(picture, rng)
    picture = _blur(picture, rng)
    picture += _sensor_noise(rng, image.shape[0], image.shape[1])
    delivered = np.clip(picture, 0, 255).astype(np.uint8)
    return _compress(delivered, rng)


def _light(rng: np.random.Generator, height: int, width: int, night: bool) -> Field:
    """Draws brightness factors: a gradient, a spot and a vignette."""
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    slope = 0.18 if night else 0.14
    gain = 1 + np.float32(rng.uniform(-slope, slope)) * y + np.float32(rng.uniform(-slope, slope)) * x
    centre_y, centre_x = rng.uniform(-0.6, 0.6, 2).astype(np.float32)
    distance = (y - centre_y) ** 2 + (x - centre_x) ** 2
    falloff = np.float32(rng.uniform(0.1, 0.45) if night else rng.uniform(0.0, 0.18))
    return np.asarray(gain / (1 + falloff * distance), dtype=np.float32)


def _day_colours(picture: Field, rng: np.random.Generator) -> Field:
    cast = 1 + rng.uniform(-0.1, 0.1, 3)
    gamma, gain = float(np.exp(rng.uniform(-0.35, 0.35))), float(rng.uniform(0.8, 1.2))
    picture = _saturate(picture, float(rng.uniform(0.55, 1.3)), cast)
    curve = 255 * gain * (np.arange(256) / 255) ** gamma
    levels = cv2.convertScaleAbs(np.maximum(picture, 0))
    # A camera opens its iris when there is little light, but a covered lens stays dark.
    mean = max(float(cv2.LUT(levels, curve.astype(np.float32)).mean()), 1.0)
    curve *= min(max(1.0, _DIMMEST_DAY / mean), _WIDEST_IRIS)
    return np.asarray(cv2.LUT(levels, curve.astype(np.float32)), dtype=np.float32)


def _night_colours(picture: Field, rng: np.random.Generator) -> Field:
    """Makes the picture dark, grey as under infrared light or with a little colour."""
    saturation = 0.0 if rng.random() < 0.6 else float(rng.uniform(0.1, 0.5))
    cast = np.asarray(_NIGHT_CASTS[int(rng.integers(len(_NIGHT_CASTS)))])
    picture = _saturate(picture, saturation, cast)
    target = rng.uniform(*_NIGHT_BRIGHTNESS)
    return np.asarray(picture * np.float32(target / max(float(picture.mean()), 1.0)), dtype=np.float32)


def _saturate(picture: Field, saturation: float, cast: NDArray[np.float64]) -> Field:
    """Scales each pixel's difference from its grey by `saturation`, then each channel by `cast`."""
    mix = (np.full((3, 3), (1 - saturation) / 3) + saturation * np.eye(3)) * cast[:, None]
    return np.asarray(cv2.transform(picture, mix), dtype=np.float32)


def _blur(picture: Field, rng: np.random.Generator) -> Field:
    if rng.random() < 0.5:
        return picture
    sigma = float(rng.uniform(0.3, 1.2)) * picture.shape[0] / 160
    return np.asarray(cv2.GaussianBlur(picture, (5, 5), max(sigma, 0.3)), dtype=np.float32)


def _sensor_noise(rng: np.random.Generator, height: int, width: int) -> Field:
    amount = rng.uniform(0, 4)
    luma = white_noise(rng, height, width)[:, :, None] * np.float32(amount)
    if rng.random() < 0.5:
        return luma
    chroma = np.stack([white_noise(rng, height, width) for _ in range(3)], axis=2)
    return np.asarray(luma + chroma * np.float32(amount / 2), dtype=np.float32)


def _compress(image: Image, rng: np.random.Generator) -> Image:
    if rng.random() < 0.6:
        return image
    quality = int(rng.integers(20, 90))
    _, encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)
