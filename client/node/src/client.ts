import { readFile } from "node:fs/promises";

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type ChannelCredentials, type ChannelOptions, Client, credentials } from "@grpc/grpc-js";

import { type CallOptions, callUnary, openBidi } from "./calls.js";
import {
  ClassifyRequestSchema,
  type ClassifyResponse,
  type Event,
  type EventRuleSchema,
  type FrameResult,
  type OverflowPolicy,
  StreamConfigSchema,
  type StreamStarted,
  ZeroShotService,
} from "./gen/framewatch/v1/framewatch_pb.js";
import { duration, type FrameInput, image, type LabelInput, type LabelOptions, labelSet } from "./requests.js";
import { runStream } from "./stream.js";

export interface ClientOptions {
  /** How to prove who is who. Default: plain text. */
  readonly credentials?: ChannelCredentials;
  /** Overrides of grpc-js' channel options. */
  readonly channel?: ChannelOptions;
}

export interface ClassifyOptions extends CallOptions {
  /** Sentences with `{label}`. Absent: the server's one, `a photo of {label}`. Empty: names are used verbatim. */
  readonly templates?: readonly string[] | undefined;
  /** How many of the best labels to return; 0 and absent: all. */
  readonly topCount?: number | undefined;
  /** As the server names it. Absent: its default model. */
  readonly model?: string | undefined;
  /** Fails with DEADLINE_EXCEEDED after so many milliseconds. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
}

/** Labels with scores, best first; the model that answered; where the time went. */
export type Classification = ClassifyResponse;

/** When to say ENTERED and EXITED: the proto's EventRule. */
export type Rule = MessageInitShape<typeof EventRuleSchema>;

export interface WatchOptions extends LabelOptions, CallOptions {
  /** Ids unique. None: scores only. */
  readonly rules?: readonly Rule[] | undefined;
  /** What happens to frames that come faster than they are scored. Default: BLOCK, which loses none. */
  readonly overflowPolicy?: OverflowPolicy | undefined;
  /** How many of the best labels a result carries; 0 and absent: all. */
  readonly topCount?: number | undefined;
  /** Frames a second in frame time above which frames are dropped. Absent: no limit. */
  readonly maxFrameRate?: number | undefined;
  /** The longest gap between frames that counts towards a rule's times, in seconds. Absent: 10. */
  readonly maxFrameGapS?: number | undefined;
  /** The wall time of time offset 0; events then carry wall times too. */
  readonly originTime?: Date | undefined;
  /**
   * A frame that differs by less than this from the last one that the model saw gets its scores; 0 to 1, about 0.05 for
   * most cameras. 0 and absent: only one that is the same file.
   */
  readonly changeThreshold?: number | undefined;
  /** The model sees a frame at least this often, in seconds of frame time; 0: every frame. Absent: 10. */
  readonly maxReuseAgeS?: number | undefined;
  /** As the server names it. Absent: its default model. */
  readonly model?: string | undefined;
  /** Told once, before the first result, what the server wants and what it can do. */
  readonly onStarted?: ((started: StreamStarted) => void) | undefined;
}

const CHANNEL_OPTIONS: ChannelOptions = {
  // Home routers and firewalls forget a silent connection after a minute or a few.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

/**
 * A connection to a framewatch server; one serves any number of calls at a time.
 *
 * Calls that fail throw a FramewatchError; calls ended by an AbortSignal throw the signal's reason.
 *
 * @example
 * const client = new FramewatchClient("127.0.0.1:50051");
 * const { scores } = await client.classify("cat.jpg", ["cat", "dog"]);
 * client.close();
 */
export class FramewatchClient {
  readonly #client: Client;

  /** Connects when the first call is made. @param address - `host:port`, or any other name that gRPC resolves. */
  constructor(address: string, options: ClientOptions = {}) {
    this.#client = new Client(address, options.credentials ?? credentials.createInsecure(), {
      ...CHANNEL_OPTIONS,
      ...options.channel,
    });
  }

  /**
   * Scores one image against labels.
   *
   * @param picture - The bytes of a JPEG, PNG or WebP file, or the path of such a file.
   * @throws FramewatchError when the call fails; what `readFile` throws when the file can't be read.
   */
  async classify(
    picture: string | Uint8Array,
    labels: readonly LabelInput[],
    { templates, topCount, model, signal, timeoutMs = 30_000 }: ClassifyOptions = {},
  ): Promise<Classification> {
    const bytes = typeof picture === "string" ? await readFile(picture, { signal }) : picture;
    const request = create(ClassifyRequestSchema, {
      model,
      image: image(bytes),
      labelSet: labelSet({ labels, templates }),
      topCount,
    });
    return callUnary(this.#client, ZeroShotService.method.classify, request, { signal, timeoutMs });
  }

  /**
   * Watches frames: yields exactly one result per frame, in the order of the frames, each followed by the events that it
   * caused. Tell them apart by `$typeName`.
   *
   * The call begins with the first `next`, and ends when the frames do, when the caller leaves the loop, or when it
   * fails. A frame is taken from its source only when it can go out at once, so a live source may skip what is stale.
   *
   * @throws FramewatchError when the call fails; whatever the source of the frames throws.
   */
  async *watch(
    frames: AsyncIterable<FrameInput> | Iterable<FrameInput>,
    { labels, templates, rules, maxFrameGapS, maxReuseAgeS, originTime, onStarted, signal, ...rest }: WatchOptions,
  ): AsyncGenerator<FrameResult | Event, void, undefined> {
    const config = create(StreamConfigSchema, {
      model: rest.model,
      labelSet: labelSet({ labels, templates }),
      rules: [...(rules ?? [])],
      overflowPolicy: rest.overflowPolicy,
      topCount: rest.topCount,
      maxFrameRate: rest.maxFrameRate,
      maxFrameGap: maxFrameGapS === undefined ? undefined : duration(maxFrameGapS),
      originTime: originTime && timestampFromDate(originTime),
      reuse: {
        changeThreshold: rest.changeThreshold,
        maxAge: maxReuseAgeS === undefined ? undefined : duration(maxReuseAgeS),
      },
    });
    signal?.throwIfAborted();
    const call = openBidi(this.#client, ZeroShotService.method.streamFrames);
    yield* runStream(call, config, frames, { onStarted, signal });
  }

  /** Closes the connection; calls that are on the way fail. */
  close(): void {
    this.#client.close();
  }
}
