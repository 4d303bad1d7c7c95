"""Clients of framewatch: describe in words what to watch for; get one event when it appears and one when it is gone.

`FramewatchClient` blocks, `AsyncFramewatchClient` is for asyncio. Both have `classify`, `label`, `similarity`,
`similarities`, `embed`, `list_models` and `stream`. All that this module exports is the library's surface:

- Labels: `Label`, `LabelSet`, `LabelsLike`, `label_set`; `example_label` makes one from images, `example_image` makes
  an example from an image.
- Rules and regions: `EventRule`, `RuleLike`, `event_rule`, `parse_rule`, `rule_name`; `Region`, `RegionLike`,
  `parse_region`; `HealthPolicy`, `ScoreKind`.
- Streams: `StreamKeywords` has the options of `stream`; its parts `WatchKeywords`, `SendKeywords` and `NotifyKeywords`
  describe them. `stream_config` takes `WatchKeywords`, `event_rule` takes `RuleKeywords`; `OverflowPolicy`. A stream
  takes `StreamItem`s: a `Frame`, an `ImageLike`, `Reconfigure`, `Explain`.
- Sources of frames: `open_source`, `Source`, `ImageFiles`, `IMAGE_SUFFIXES`; `Thinner` lowers a frame rate,
  `natural_key` sorts paths, `is_url` and `without_password` are for messages about URLs.
- Images: `shrink_image` and `encode_jpeg` prepare pixels as the client does.
- Answers of calls: `Classification`, `Similarity`, `SimilarityMatrix`, `Embeddings`, `Timings`, `RequestWarning`;
  `LabelScore`. `Model` and `ScoreFunction` describe a server's models.
- Items of streams, `StreamResult`: `FrameResult` with `FrameStatus`, `RegionScores`, `HealthProblem`, `DropReason`,
  `FrameError` and `FrameErrorReason`; `Event` with `EventKind`, `ExitReason`, `EventTrail` and `TrailPoint`;
  `HealthEvent` with `HealthEventKind`.
- Reports of streams: `StreamStarted`, `Reconnected`, `ResumePoint`; `Explanation` with `RuleExplanation`, `HeldBackBy`.
- Errors: `FramewatchError` is the root of `FramewatchCallError`, `ServerUnreachableError`, `InvalidResponse`,
  `StreamEndedEarly`, `ModelNotFound`, `ClientClosed`, `ClientForked`, `SourceError`, `InvalidValue` and
  `InvalidType`; `framewatch_client.errors` has the tree.
- Limits and defaults: `MAX_MESSAGE_BYTES`, `DEFAULT_ADDRESS`, `DEFAULT_TIMEOUT_S`, `DEFAULT_JPEG_QUALITY`.
"""

from framewatch_client._channel import MAX_MESSAGE_BYTES
from framewatch_client._images import encode_jpeg, example_image, shrink_image
from framewatch_client._inputs import (
    RuleKeywords,
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
from framewatch_client.blocking import FramewatchClient
from framewatch_client.errors import (
    ClientClosed,
    ClientForked,
    FramewatchCallError,
    InvalidResponse,
    InvalidType,
    InvalidValue,
    ServerUnreachableError,
    SourceError,
    StreamEndedEarly,
)
from framewatch_client.options import (
    DEFAULT_JPEG_QUALITY,
    NotifyKeywords,
    SendKeywords,
    StreamKeywords,
    WatchKeywords,
    stream_config,
)
from framewatch_client.types import (
    Explain,
    Frame,
    ImageLike,
    LabelsLike,
    Reconfigure,
    Reconnected,
    RegionLike,
    RuleLike,
    StreamItem,
)
from framewatch_core.calls import Classification, Embeddings, Similarity, SimilarityMatrix
from framewatch_core.errors import FramewatchError, ModelNotFound
from framewatch_core.health.events import HealthEvent, HealthEventKind
from framewatch_core.health.monitor import HealthPolicy
from framewatch_core.health.problem import HealthProblem
from framewatch_core.images.regions import Region
from framewatch_core.labels.labels import Label, LabelSet
from framewatch_core.labels.scoring import LabelScore, ScoreFunction, ScoreKind
from framewatch_core.labels.warnings import RequestWarning
from framewatch_core.models import Model
from framewatch_core.resume_point import ResumePoint
from framewatch_core.rules.events import Event, EventKind, EventTrail, ExitReason, TrailPoint
from framewatch_core.rules.explanations import HeldBackBy, RuleExplanation
from framewatch_core.rules.rule import EventRule
from framewatch_core.stream.config import OverflowPolicy
from framewatch_core.stream.messages import Explanation, StreamResult, StreamStarted
from framewatch_core.stream.results import (
    DropReason,
    FrameError,
    FrameErrorReason,
    FrameResult,
    FrameStatus,
    RegionScores,
    Timings,
)

__all__ = [
    "DEFAULT_ADDRESS",
    "DEFAULT_JPEG_QUALITY",
    "DEFAULT_TIMEOUT_S",
    "IMAGE_SUFFIXES",
    "MAX_MESSAGE_BYTES",
    "AsyncFramewatchClient",
    "Classification",
    "ClientClosed",
    "ClientForked",
    "DropReason",
    "Embeddings",
    "Event",
    "EventKind",
    "EventRule",
    "EventTrail",
    "ExitReason",
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
    "HealthEvent",
    "HealthEventKind",
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
    "NotifyKeywords",
    "OverflowPolicy",
    "Reconfigure",
    "Reconnected",
    "Region",
    "RegionLike",
    "RegionScores",
    "RequestWarning",
    "ResumePoint",
    "RuleExplanation",
    "RuleKeywords",
    "RuleLike",
    "ScoreFunction",
    "ScoreKind",
    "SendKeywords",
    "ServerUnreachableError",
    "Similarity",
    "SimilarityMatrix",
    "Source",
    "SourceError",
    "StreamEndedEarly",
    "StreamItem",
    "StreamKeywords",
    "StreamResult",
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
    "natural_key",
    "open_source",
    "parse_region",
    "parse_rule",
    "rule_name",
    "shrink_image",
    "stream_config",
    "without_password",
]
