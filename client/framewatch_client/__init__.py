"""Clients of framewatch: say in words what to watch for, and hear once when it appears and once when it goes.

`FramewatchClient` blocks, `AsyncFramewatchClient` is for asyncio; both have `classify`, `label`, `similarity`,
`similarities`, `embed`, `list_models` and `stream`.
"""

from framewatch_client._inputs import event_rule, example_label, parse_region, parse_rule
from framewatch_client._sources.sources import Source, open_source
from framewatch_client.aio import AsyncFramewatchClient
from framewatch_client.answers import Classification, ServerWarning, Similarity, SimilarityMatrix, Timings
from framewatch_client.blocking import FramewatchClient
from framewatch_client.embeddings import Embeddings
from framewatch_client.errors import FramewatchCallError, ServerUnreachableError, SourceError
from framewatch_client.models import Model, ScoreFunction
from framewatch_client.types import (
    Event,
    EventTrail,
    Explain,
    Explanation,
    Frame,
    FrameError,
    FrameErrorReason,
    FrameResult,
    FrameStatus,
    ImageLike,
    LabelsLike,
    Reconfigure,
    Reconnected,
    RegionLike,
    RuleExplanation,
    RuleLike,
    StreamItem,
    StreamStarted,
    TrailPoint,
)
from framewatch_core.errors import FramewatchError
from framewatch_core.health.monitor import HealthPolicy, HealthProblem
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.explanations import HeldBackBy
from framewatch_core.rules.rule import EventKind, EventRule
from framewatch_core.stream.messages import DropReason, OverflowPolicy, RegionScores
from framewatch_core.stream.resume import ResumePoint

__all__ = [
    "AsyncFramewatchClient",
    "Classification",
    "DropReason",
    "Embeddings",
    "Event",
    "EventKind",
    "EventRule",
    "EventTrail",
    "Explain",
    "Explanation",
    "Frame",
    "FrameError",
    "FrameErrorReason",
    "FrameResult",
    "FrameStatus",
    "FramewatchCallError",
    "FramewatchClient",
    "FramewatchError",
    "HealthPolicy",
    "HealthProblem",
    "HeldBackBy",
    "ImageLike",
    "Label",
    "LabelScore",
    "LabelSet",
    "LabelsLike",
    "Model",
    "OverflowPolicy",
    "Reconfigure",
    "Reconnected",
    "Region",
    "RegionLike",
    "RegionScores",
    "ResumePoint",
    "RuleExplanation",
    "RuleLike",
    "ScoreFunction",
    "ScoreKind",
    "ServerUnreachableError",
    "ServerWarning",
    "Similarity",
    "SimilarityMatrix",
    "Source",
    "SourceError",
    "StreamItem",
    "StreamStarted",
    "Timings",
    "TrailPoint",
    "event_rule",
    "example_label",
    "open_source",
    "parse_region",
    "parse_rule",
]
