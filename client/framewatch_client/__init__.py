"""Clients of framewatch: say in words what to watch for, and hear once when it appears and once when it goes.

`FramewatchClient` blocks, `AsyncFramewatchClient` is for asyncio; both have `classify`, `label`, `similarity`,
`similarities`, `embed`, `list_models` and `stream`.
"""

from framewatch_client._channel import MAX_MESSAGE_BYTES
from framewatch_client._images import encode_jpeg, example_image, shrink_image
from framewatch_client._inputs import (
    event_rule,
    example_label,
    label_set,
    parse_region,
    parse_rule,
    rule_name,
)
from framewatch_client._sources.images import IMAGE_SUFFIXES, ImageFiles, natural_key
from framewatch_client._sources.opening import is_url, open_source, without_password
from framewatch_client._sources.source import Source
from framewatch_client._sources.timing import Thinner
from framewatch_client.aio import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_S, AsyncFramewatchClient
from framewatch_client.answers import Classification, ServerWarning, Similarity, SimilarityMatrix, Timings
from framewatch_client.blocking import FramewatchClient
from framewatch_client.embeddings import Embeddings
from framewatch_client.errors import (
    ClientClosed,
    FramewatchCallError,
    InvalidResponse,
    InvalidType,
    InvalidValue,
    ServerUnreachableError,
    SourceError,
)
from framewatch_client.models import Model, ScoreFunction, model_not_found, models_named
from framewatch_client.options import DEFAULT_JPEG_QUALITY, StreamKeywords, WatchKeywords, stream_config
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
from framewatch_core.errors import FramewatchError, ModelNotFound
from framewatch_core.health.monitor import HealthPolicy, HealthProblem
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import LabelScore, ScoreKind
from framewatch_core.rules.explanations import HeldBackBy
from framewatch_core.rules.rule import EventKind, EventRule
from framewatch_core.stream.messages import DropReason, OverflowPolicy, RegionScores
from framewatch_core.stream.resume import ResumePoint

__all__ = [
    "DEFAULT_ADDRESS",
    "DEFAULT_JPEG_QUALITY",
    "DEFAULT_TIMEOUT_S",
    "IMAGE_SUFFIXES",
    "MAX_MESSAGE_BYTES",
    "AsyncFramewatchClient",
    "Classification",
    "ClientClosed",
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
    "ImageFiles",
    "ImageLike",
    "InvalidResponse",
    "InvalidType",
    "InvalidValue",
    "Label",
    "LabelScore",
    "LabelSet",
    "LabelsLike",
    "Model",
    "ModelNotFound",
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
    "StreamKeywords",
    "StreamStarted",
    "Thinner",
    "Timings",
    "TrailPoint",
    "WatchKeywords",
    "encode_jpeg",
    "event_rule",
    "example_image",
    "example_label",
    "is_url",
    "label_set",
    "model_not_found",
    "models_named",
    "natural_key",
    "open_source",
    "parse_region",
    "parse_rule",
    "rule_name",
    "shrink_image",
    "stream_config",
    "without_password",
]
