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

/** One thing to look for: its name alone, or all of it. */
export type LabelInput = string | LabelSpec;

/** One thing to look for; see the proto's Label. */
export interface LabelSpec {
  /** Its name in results; not empty, unique in its set. */
  readonly name: string;
  /** The texts that describe it, used verbatim; several are an ensemble. Absent: the name in the templates. */
  readonly prompts?: readonly string[] | undefined;
  /** Texts that describe the picture without it, for its `presence`. Absent: the server's, such as `an empty room`. */
  readonly contrastPrompts?: readonly string[] | undefined;
  /** Images of it, for its `presence`; best from the camera itself, cropped to its region. At most 64. */
  readonly examples?: readonly ImageInput[] | undefined;
  /** Images of the same place without it; at most 64. Required with examples, and only allowed with them. */
  readonly counterExamples?: readonly ImageInput[] | undefined;
}

/** The labels that an image is scored against. */
export interface LabelOptions {
  /** At least one; names unique. */
  readonly labels: readonly LabelInput[];
  /** Sentences with `{label}`. Absent: the server's default, `a photo of {label}`. Empty: names are used verbatim. */
  readonly templates?: readonly string[] | undefined;
}

/** The bytes of a JPEG, PNG or WebP file, or pixels as the proto's RawImage. */
export type ImageInput = Uint8Array | MessageInitShape<typeof RawImageSchema>;

/** A frame of a stream: the image alone, or with its number and time. */
export type FrameInput = Uint8Array | TimedFrame;

/** An image of a stream with its number and time. */
export interface TimedFrame {
  readonly image: ImageInput;
  /** Strictly increasing in the stream. Absent: one more than the previous frame's; 0 for the first. */
  readonly frameId?: bigint;
  /** Seconds since an origin of your choice; for every frame of a stream or for none. Absent: time of arrival. */
  readonly timeS?: number;
}

/** An item among the frames: asks how close every rule is to its next event, and what holds it back. */
export interface Explain {
  /** Called once all frames before it have their results; an exception of it ends the stream. */
  readonly onAnswer: (explanation: Explanation) => void;
}

/** The items that the source of a stream may yield. */
export type StreamItem = FrameInput | Explain;

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

/** @param nextId - The number of a frame without one. */
export function frame(input: FrameInput, nextId: bigint): Frame {
  const timed: TimedFrame = input instanceof Uint8Array ? { image: input } : input;
  return create(FrameSchema, {
    frameId: timed.frameId ?? nextId,
    timeOffset: timed.timeS === undefined ? undefined : duration(timed.timeS),
    image: image(timed.image),
  });
}

export function isExplain(item: StreamItem): item is Explain {
  return "onAnswer" in item;
}

/** Converts seconds to a Duration, to the nanosecond. */
export function duration(seconds: number): Duration {
  const whole = Math.trunc(seconds);
  const nanos = Math.round((seconds - whole) * 1e9);
  // 0.9999999999 s rounds up to a whole second.
  const carry = Math.trunc(nanos / 1e9);
  return create(DurationSchema, { seconds: BigInt(whole + carry), nanos: nanos - carry * 1e9 });
}

/** Converts a Duration to seconds; 0 when it is absent. */
export function seconds(value: Duration | undefined): number {
  return value === undefined ? 0 : Number(value.seconds) + value.nanos / 1e9;
}
