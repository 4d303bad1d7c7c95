import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";

import {
  type Explanation,
  type Frame,
  FrameSchema,
  type Image,
  ImageSchema,
  type Label,
  LabelSchema,
  type LabelSet,
  LabelSetSchema,
  type RawImageSchema,
} from "./gen/framewatch/v1/framewatch_pb.js";

/** One thing to look for: its name, or more of it. */
export type LabelInput = string | LabelSpec;

/** One thing to look for; see the proto's Label. */
export interface LabelSpec {
  /** How results name it; not empty, unique in its set. */
  readonly name: string;
  /** The texts that describe it, used verbatim; several are an ensemble. Absent: the name in the templates. */
  readonly prompts?: readonly string[] | undefined;
  /** What the picture looks like when it is not there, for its `presence`. Absent: the server's, as `an empty room`. */
  readonly contrastPrompts?: readonly string[] | undefined;
  /** Pictures of it, for its `presence`; best from the very camera, cropped as its region is. At most 64. */
  readonly examples?: readonly ImageInput[] | undefined;
  /** Pictures of the same place without it; at most 64. Needed with examples, and only allowed with them. */
  readonly counterExamples?: readonly ImageInput[] | undefined;
}

/** What an image is scored against. */
export interface LabelOptions {
  /** At least one; names unique. */
  readonly labels: readonly LabelInput[];
  /** Sentences with `{label}`. Absent: the server's one, `a photo of {label}`. Empty: names are used verbatim. */
  readonly templates?: readonly string[] | undefined;
}

/** The bytes of a JPEG, PNG or WebP file, or pixels as the proto's RawImage. */
export type ImageInput = Uint8Array | MessageInitShape<typeof RawImageSchema>;

/** A picture of a stream: the image alone, or with its number and time. */
export type FrameInput = Uint8Array | TimedFrame;

/** A picture of a stream with its number and time. */
export interface TimedFrame {
  readonly image: ImageInput;
  /** Strictly increasing in the stream. Absent: one more than the frame before it; the first: 0. */
  readonly frameId?: bigint;
  /** Since an origin of your choice, in seconds; for every frame of a stream or for none. Absent: time of arrival. */
  readonly timeOffsetS?: number;
}

/** Put among the frames: asks how near every rule is to its next event, and what holds it back. */
export interface ExplainRequest {
  /** Told once all frames before it have their results; must not throw unless the stream is to end. */
  readonly onExplanation: (explanation: Explanation) => void;
}

/** What the source of a stream's frames may yield. */
export type StreamItem = FrameInput | ExplainRequest;

export function labelSet({ labels, templates }: LabelOptions): LabelSet {
  return create(LabelSetSchema, {
    labels: labels.map(labelMessage),
    templates: templates && { templates: [...templates] },
  });
}

function labelMessage(input: LabelInput): Label {
  if (typeof input === "string") return create(LabelSchema, { name: input });
  const { name, prompts = [], contrastPrompts = [], examples = [], counterExamples = [] } = input;
  return create(LabelSchema, {
    name,
    prompts: [...prompts],
    contrastPrompts: [...contrastPrompts],
    examples: examples.map(image),
    counterExamples: counterExamples.map(image),
  });
}

export function image(input: ImageInput): Image {
  const content =
    input instanceof Uint8Array
      ? { case: "encoded" as const, value: input }
      : { case: "raw" as const, value: input };
  return create(ImageSchema, { content });
}

/** @param nextId - The number of a frame that brings none. */
export function frame(input: FrameInput, nextId: bigint): Frame {
  const timed: TimedFrame = input instanceof Uint8Array ? { image: input } : input;
  return create(FrameSchema, {
    frameId: timed.frameId ?? nextId,
    timeOffset: timed.timeOffsetS === undefined ? undefined : duration(timed.timeOffsetS),
    image: image(timed.image),
  });
}

export function isExplainRequest(item: StreamItem): item is ExplainRequest {
  return "onExplanation" in item;
}

/** A Duration of so many seconds, to the nanosecond. */
export function duration(seconds: number): Duration {
  const whole = Math.trunc(seconds);
  const nanos = Math.round((seconds - whole) * 1e9);
  // 0.9999999999 s rounds up to a whole second.
  const carry = Math.trunc(nanos / 1e9);
  return create(DurationSchema, { seconds: BigInt(whole + carry), nanos: nanos - carry * 1e9 });
}

/** How many seconds a Duration has; 0 when it is absent. */
export function seconds(value: Duration | undefined): number {
  return value === undefined ? 0 : Number(value.seconds) + value.nanos / 1e9;
}
