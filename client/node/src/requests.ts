import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";

import {
  type Frame,
  FrameSchema,
  type Image,
  ImageSchema,
  type LabelSchema,
  type LabelSet,
  LabelSetSchema,
  type RawImageSchema,
} from "./gen/framewatch/v1/framewatch_pb.js";

/** One thing to look for: its name, or the proto's Label with prompts of its own. */
export type LabelInput = string | MessageInitShape<typeof LabelSchema>;

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

export function labelSet({ labels, templates }: LabelOptions): LabelSet {
  return create(LabelSetSchema, {
    labels: labels.map((label) => (typeof label === "string" ? { name: label } : label)),
    templates: templates && { templates: [...templates] },
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
