"""A rendered video of boxes on a moving conveyor belt, and the truth about their presence."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from framewatch_demo.scenes.belts import BeltPlan, draw_belt, draw_hall, plan_belt
from framewatch_demo.scenes.canvas import Canvas, Image
from framewatch_demo.scenes.items import BoxStyle, draw_box, random_box_style
from framewatch_demo.scenes.textures import white_noise

_BOX_ACROSS = 0.75
_NOISE = 2.5
_FLICKER = 0.02


@dataclass(frozen=True)
class Passage:
    """Path of one box through the picture.

    Attributes:
        style: appearance of the box.
        width: width of its front as a share of the picture's width.
        enters_s: time at which its middle crosses the left edge.
        speed: speed of belt and box, picture widths per second.
        stops_s, stop_s: time at which the belt stops under it, and length of the stop (0: it passes without a stop).

    """

    style: BoxStyle
    width: float
    enters_s: float
    speed: float
    stops_s: float
    stop_s: float

    @property
    def leaves_s(self) -> float:
        """Time at which its middle crosses the right edge."""
        return self.enters_s + 1 / self.speed + self.stop_s

    def along(self, time_s: float) -> float:
        """Returns the position of its middle: 0 is the left edge, 1 the right edge, beyond them it is outside."""
        standing = min(max(time_s - self.stops_s, 0.0), self.stop_s)
        return (time_s - self.enters_s - standing) * self.speed


@dataclass(frozen=True)
class BeltVideo:
    """A rendered clip of a conveyor belt.

    Attributes:
        fps: frames per second.
        frame_count: number of frames.
        width, height: size of a frame, pixels.
        present: first and last frame, inclusive and from 0, of every interval in which at least half of a box is in the
            picture.

    """

    fps: float
    frame_count: int
    width: int
    height: int
    present: tuple[tuple[int, int], ...]
    _seed: int
    _passages: tuple[Passage, ...]

    @property
    def frames(self) -> Iterator[Image]:
        """A new iterator over the frames: BGR uint8, shape (height, width, 3), each rendered when it is needed."""
        place = np.random.default_rng([self._seed, 1])
        plan = plan_belt(place, close=False)
        hall = Canvas(self.width, self.height)
        draw_hall(hall, place, plan)
        for number in range(self.frame_count):
            yield self._frame(plan, hall.image, number)

    def _frame(self, plan: BeltPlan, hall: Image, number: int) -> Image:
        time_s = number / self.fps
        canvas = Canvas(self.width, self.height)
        canvas.image[:] = hall
        draw_belt(canvas, plan, self._travel(time_s))
        for passage in self._passages:
            along = passage.along(time_s)
            if -1 < along < 2:
                base = plan.base(canvas, along, _BOX_ACROSS)
                draw_box(canvas, passage.style, base, passage.width * self.width)
        return self._photograph(canvas.image, number)

    def _travel(self, time_s: float) -> float:
        """Returns the way of the belt, in picture widths; it stands still during a stop of a box."""
        standing = sum(min(max(time_s - each.stops_s, 0.0), each.stop_s) for each in self._passages)
        return (time_s - standing) * self._passages[0].speed

    def _photograph(self, image: Image, number: int) -> Image:
        rng = np.random.default_rng([self._seed, 2, number])
        light = 1 + _FLICKER * float(np.sin(number * 2.1)) + float(rng.normal(0, _FLICKER / 2))
        soft = np.asarray(cv2.GaussianBlur(image, (3, 3), 0.7), dtype=np.float32)
        noise = cv2.resize(white_noise(rng, 270, 480), (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        noisy = soft * np.float32(light) + np.float32(_NOISE) * np.asarray(noise, dtype=np.float32)[:, :, None]
        return np.clip(noisy, 0, 255).astype(np.uint8)


def render_belt_video(
    seed: int,
    fps: float = 10.0,
    seconds: float = 24.0,
    width: int = 640,
    height: int = 360,
) -> BeltVideo:
    """Returns a clip in which two or three boxes in turn enter from the left, may stop, and leave at the right.

    Args:
        seed: the same seed gives the same clip.
        fps: frames per second.
        seconds: length; the boxes are spread over it, so it should be 12 or more.
        width: width of a frame, pixels.
        height: height of a frame, pixels.

    """
    rng = np.random.default_rng([seed, 0])
    passages = _schedule(rng, seconds)
    frame_count = round(seconds * fps)
    present = tuple(_interval(passage, fps, frame_count) for passage in passages)
    return BeltVideo(fps, frame_count, width, height, present, seed, passages)


def _schedule(rng: np.random.Generator, seconds: float) -> tuple[Passage, ...]:
    """Draws a box for each of two or three equal parts of the clip; all have the speed of the belt."""
    count = int(rng.integers(2, 4))
    share = seconds / count
    # At this speed a box needs less than half a second from its first edge in the picture to its middle.
    ride = share * float(rng.uniform(0.18, 0.24))
    passages = []
    for number in range(count):
        stop = share * float(rng.uniform(0.1, 0.2)) if rng.random() < 0.5 else 0.0
        enters = number * share + float(rng.uniform(0.2, 0.95 - (ride + stop) / share - 0.1)) * share
        stops = enters + float(rng.uniform(0.35, 0.65)) * ride
        passages.append(Passage(random_box_style(rng), float(rng.uniform(0.17, 0.26)), enters, 1 / ride, stops, stop))
    return tuple(passages)


def _interval(passage: Passage, fps: float, frame_count: int) -> tuple[int, int]:
    first = int(np.ceil(passage.enters_s * fps))
    last = int(np.floor(passage.leaves_s * fps))
    return max(first, 0), min(last, frame_count - 1)


__all__ = ["BeltVideo", "Passage", "render_belt_video"]
