"""Frames with many scores as bytes, written from arrays: no object for each score, and most of it without the GIL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from framewatch.v1 import framewatch_pb2 as pb
from framewatch_core.labels.label_scores import LabelNames, LabelScores
from framewatch_core.labels.scoring import LabelScore
from framewatch_core.stream.results import RegionScores, Scored
from framewatch_wire.enums import HEALTH_PROBLEMS
from framewatch_wire.labels import label_score_to_proto

_FLOAT_TAGS = tuple(
    bytes([pb.LabelScore.DESCRIPTOR.fields_by_name[name].number << 3 | 5])
    for name in ("probability", "similarity", "presence")
)
_FLOAT_BYTES = 4


def _tag(message: Any, field: str) -> bytes:
    """The tag of a field with a length; of the numbers from 1 to 15."""
    return bytes([message.DESCRIPTOR.fields_by_name[field].number << 3 | 2])


_LABEL = _tag(pb.LabelScore, "label")
_SCORES = _tag(pb.RegionScores, "scores")
_REGIONS = _tag(pb.FrameScores, "regions")
_FRAME_SCORES = _tag(pb.FrameResult, "scores")
_RESULT = _tag(pb.StreamFramesResponse, "result")


def frame_result_to_bytes(head: pb.FrameResult, scored: Scored) -> bytes:
    """Returns a serialised StreamFramesResponse with a frame's result.

    Args:
        head: the result without its scores.
        scored: its scores.

    """
    regions = [part for region in scored.regions for part in _field(_REGIONS, *_region(region, scored.reused_frame_id))]
    result = _field(_RESULT, head.SerializeToString(), *_field(_FRAME_SCORES, *regions))
    return b"".join(result)


def _region(region: RegionScores, reused_frame_id: int | None) -> Iterator[bytes | bytearray]:
    head = pb.RegionScores(
        region_id=region.region_id,
        reused_frame_id=reused_frame_id,
        problem=HEALTH_PROBLEMS.to_proto(region.problem),
        suspended=region.suspended,
    )
    yield head.SerializeToString()
    scores: object = region.scores
    yield _from_arrays(scores) if isinstance(scores, LabelScores) else _from_objects(region.scores)


def _from_objects(scores: Iterable[LabelScore]) -> bytes:
    return pb.RegionScores(scores=map(label_score_to_proto, scores)).SerializeToString()


def _from_arrays(scores: LabelScores) -> bytearray:
    """The scores of a region as fields of RegionScores."""
    count, columns = scores.values.shape
    forms = _Forms.of(scores.names, columns)
    labels = slice(None) if scores.labels is None else scores.labels
    data = bytearray().join(forms.texts[labels].tolist())
    ends = np.cumsum(forms.lengths[labels])
    places = ends[:, np.newaxis] + forms.float_places
    values = np.ascontiguousarray(scores.values, "<f4").view(np.uint8)
    np.frombuffer(data, np.uint8)[places] = values.reshape(count, columns * _FLOAT_BYTES)
    return data


@dataclass(frozen=True, slots=True, eq=False)
class _Forms:
    """The scores of each label as a field of RegionScores, with zeros for the numbers.

    Attributes:
        texts: `[labels]`, bytes.
        lengths: `[labels]`, their lengths.
        float_places: where the bytes of the numbers are, before the end of each.

    """

    texts: npt.NDArray[np.object_]
    lengths: npt.NDArray[np.intp]
    float_places: npt.NDArray[np.intp]

    @classmethod
    def of(cls, names: LabelNames, columns: int) -> _Forms:
        """Returns the forms of labels, which are kept for as long as the names are."""
        kept = _kept_forms.setdefault(names, {})
        if (forms := kept.get(columns)) is None:
            forms = kept[columns] = cls._make(names, columns)
        return forms

    @classmethod
    def _make(cls, names: LabelNames, columns: int) -> _Forms:
        floats = b"".join(tag + bytes(_FLOAT_BYTES) for tag in _FLOAT_TAGS[:columns])
        texts = np.empty(len(names.texts), dtype=object)
        for i, name in enumerate(names.texts):
            texts[i] = b"".join(_field(_SCORES, *_field(_LABEL, name.encode()), floats))
        lengths = np.array([len(text) for text in texts], np.intp)
        step = 1 + _FLOAT_BYTES
        places = [i - len(floats) for i in range(len(floats)) if i % step]
        return cls(texts, lengths, np.array(places, np.intp))


_kept_forms: WeakKeyDictionary[LabelNames, dict[int, _Forms]] = WeakKeyDictionary()


def _field(tag: bytes, *parts: bytes | bytearray) -> Iterator[bytes | bytearray]:
    """A field with a length, in parts."""
    yield tag
    yield _varint(sum(map(len, parts)))
    yield from parts


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
