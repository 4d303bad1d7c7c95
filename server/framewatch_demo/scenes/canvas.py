"""Antialiased drawing on a BGR picture, with coordinates in pixels and fractions of pixels."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Image: TypeAlias = NDArray[np.uint8]
"""BGR picture, shape (H, W, 3)."""
Field: TypeAlias = NDArray[np.float32]
"""Values of the pixels, shape (H, W)."""
Mask: TypeAlias = NDArray[np.bool_]
"""Chosen pixels, shape (H, W)."""
Colour: TypeAlias = tuple[float, float, float]
"""BGR, each 0 to 255."""
Point: TypeAlias = tuple[float, float]
"""(x, y) in pixels from the upper left corner."""

_SUBPIXEL_BITS = 4
# OpenCV's fixed-point coordinates overflow on points beyond this.
_FAR = 8000.0


def shade(colour: Colour, gain: float) -> Colour:
    """Returns the colour times `gain`, clipped to 0..255."""
    blue, green, red = (min(255.0, max(0.0, value * gain)) for value in colour)
    return blue, green, red


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Returns the colour of a hue (0..1), saturation (0..1) and value (0..255)."""
    blue, green, red = (value * (1 - saturation * _hue_gap(hue, channel)) for channel in (4, 2, 0))
    return blue, green, red


def _hue_gap(hue: float, sector: int) -> float:
    distance = abs((hue * 6 - sector + 3) % 6 - 3)
    return min(1.0, max(0.0, distance - 1))


def fixed_point(points: ArrayLike) -> NDArray[np.int32]:
    """Converts points to OpenCV's fixed-point integers, shape (N, 1, 2)."""
    scaled = np.clip(np.asarray(points, dtype=np.float64), -_FAR, _FAR) * (1 << _SUBPIXEL_BITS)
    return np.round(scaled).astype(np.int32).reshape(-1, 1, 2)


class Canvas:
    """A picture under construction.

    Attributes:
        image: BGR uint8, shape (height, width, 3), drawn on in place.

    """

    def __init__(self, width: int, height: int) -> None:
        """Begins a black picture of that size in pixels."""
        self.image: Image = np.zeros((height, width, 3), dtype=np.uint8)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.image.shape[0])

    def polygon(self, points: ArrayLike, colour: Colour) -> None:
        """Draws a filled polygon; `points` has shape (N, 2)."""
        cv2.fillPoly(self.image, [fixed_point(points)], colour, cv2.LINE_AA, _SUBPIXEL_BITS)

    def lines(self, points: ArrayLike, colour: Colour, thickness: float = 1.0, closed: bool = False) -> None:
        """Draws a stroke along points of shape (N, 2), `thickness` pixels wide."""
        width = max(1, round(thickness))
        cv2.polylines(self.image, [fixed_point(points)], closed, colour, width, cv2.LINE_AA, _SUBPIXEL_BITS)

    def ellipse(self, centre: Point, axes: Point, colour: Colour) -> None:
        """Draws a filled upright ellipse; `axes` are its half widths in pixels."""
        self.polygon(ellipse_points(centre, axes), colour)

    def limb(self, start: Point, end: Point, radius: float, end_radius: float, colour: Colour) -> None:
        """Draws a tapered stroke with round ends, such as an arm, a leg or a post."""
        self.polygon(limb_points(start, end, radius, end_radius), colour)

    def mask_of(self, points: ArrayLike) -> Mask:
        """Returns the pixels inside a polygon."""
        mask = np.zeros(self.image.shape[:2], dtype=np.uint8)
        cv2.fillPoly(mask, [fixed_point(points)], (1.0,), cv2.LINE_8, _SUBPIXEL_BITS)
        return np.asarray(mask, dtype=np.bool_)

    def changed_since(self, before: Image) -> Mask:
        """Returns the pixels that differ from an earlier copy of the picture."""
        blue, green, red = np.moveaxis(self.image != before, 2, 0)
        return np.asarray(blue | green | red, dtype=np.bool_)

    def scale(self, gain: Field, mask: Mask | None = None) -> None:
        """Multiplies the picture by `gain`, inside `mask` if there is one, else everywhere."""
        weight = gain if mask is None else np.where(mask, gain, np.float32(1))
        product = self.image * weight[:, :, None]
        self.image[:] = np.clip(product, 0, 255, out=product).astype(np.uint8)

    def blend(self, before: Image, opacity: float) -> None:
        """Makes all that was drawn since the copy `before` transparent; `opacity` 0..1."""
        cv2.addWeighted(self.image, opacity, before, 1 - opacity, 0, dst=self.image)

    def shadow(self, points: ArrayLike, strength: float, softness: float) -> None:
        """Darkens a polygon with a soft edge; `strength` 0..1, `softness` in pixels."""
        mask = np.zeros(self.image.shape[:2], dtype=np.float32)
        cv2.fillPoly(mask, [fixed_point(points)], (strength,), cv2.LINE_AA, _SUBPIXEL_BITS)
        if softness >= 0.5:
            mask = np.asarray(cv2.blur(mask, (2 * round(softness) + 1,) * 2), dtype=np.float32)
        self.scale(1 - mask)

    def texture(self, quad: ArrayLike, picture: Image) -> None:
        """Maps a picture onto a quadrilateral (corners clockwise from the upper left) in perspective."""
        high, wide = picture.shape[:2]
        source = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], dtype=np.float32)
        target = np.asarray(quad, dtype=np.float32)
        transform = cv2.getPerspectiveTransform(source, target)
        cv2.warpPerspective(
            picture,
            transform,
            (self.width, self.height),
            dst=self.image,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_TRANSPARENT,
        )


def ellipse_points(centre: Point, axes: Point, angle_deg: float = 0.0, count: int = 24) -> NDArray[np.float64]:
    """Returns the outline of an ellipse, shape (count, 2)."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    across, along = axes[0] * np.cos(turn), axes[1] * np.sin(turn)
    angle = np.deg2rad(angle_deg)
    x = centre[0] + across * np.cos(angle) - along * np.sin(angle)
    y = centre[1] + across * np.sin(angle) + along * np.cos(angle)
    return np.stack([x, y], axis=1)


def limb_points(start: Point, end: Point, radius: float, end_radius: float) -> NDArray[np.float64]:
    """Returns the outline of a tapered stroke with round ends, shape (14, 2)."""
    angle = np.arctan2(end[1] - start[1], end[0] - start[0])
    tail = angle + np.linspace(np.pi / 2, 3 * np.pi / 2, 7)
    head = angle + np.linspace(-np.pi / 2, np.pi / 2, 7)
    back = np.stack([start[0] + radius * np.cos(tail), start[1] + radius * np.sin(tail)], axis=1)
    front = np.stack([end[0] + end_radius * np.cos(head), end[1] + end_radius * np.sin(head)], axis=1)
    return np.concatenate([back, front])


def box_points(x: float, y: float, width: float, height: float) -> NDArray[np.float64]:
    """Returns the corners of an upright rectangle from its upper left corner, shape (4, 2)."""
    return np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], dtype=np.float64)
