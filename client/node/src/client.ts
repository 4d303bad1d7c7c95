import { readFile } from "node:fs/promises";

import { create } from "@bufbuild/protobuf";
import { type ChannelCredentials, type ChannelOptions, Client, credentials } from "@grpc/grpc-js";

import { type CallOptions, callUnary, openBidi } from "./calls.js";
import { type ConfigOptions, streamConfig } from "./config.js";
import {
  ClassifyRequestSchema,
  type ClassifyResponse,
  type Event,
  type FrameResult,
  type Resume,
  type StreamStarted,
  ZeroShotService,
} from "./gen/framewatch/v1/framewatch_pb.js";
import { image, type LabelInput, labelSet, type StreamItem } from "./requests.js";
import { ResumeTracker } from "./resume.js";
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

export interface WatchOptions extends ConfigOptions, CallOptions {
  /** Told once, before the first result, what the server wants and what it can do. */
  readonly onStarted?: ((started: StreamStarted) => void) | undefined;
}

/** The messages of a stream, and from where another stream could take over should this one be lost. */
export interface Watch extends AsyncGenerator<FrameResult | Event, void, undefined> {
  /**
   * Where a stream takes over that begins after the last message that was yielded; give it as `resume`. Undefined: the
   * server gave no token, since it has not answered yet or can't resume.
   */
  resumePoint(): Resume | undefined;
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
   * Watches frames: yields exactly one result per frame, in the order of the frames, each followed by the events that
   * it caused. Tell them apart by `$typeName`. The source may yield an ExplainRequest among its frames.
   *
   * The call begins with the first `next`, and ends when the frames do, when the caller leaves the loop, or when it
   * fails. A frame is taken from its source only when it can go out at once, so a live source may skip what is stale.
   *
   * A connection that is lost fails the call: this client does not connect again by itself. `resumePoint` of what is
   * returned, given as `resume` to another `watch`, goes on from there.
   *
   * @throws FramewatchError when the call fails; whatever the source of the frames throws.
   */
  watch(frames: AsyncIterable<StreamItem> | Iterable<StreamItem>, options: WatchOptions): Watch {
    const tracker = new ResumeTracker(options.resume);
    return Object.assign(this.#messages(frames, options, tracker), { resumePoint: () => tracker.point() });
  }

  async *#messages(
    frames: AsyncIterable<StreamItem> | Iterable<StreamItem>,
    { onStarted, signal, ...options }: WatchOptions,
    tracker: ResumeTracker,
  ): AsyncGenerator<FrameResult | Event, void, undefined> {
    const config = streamConfig(options);
    signal?.throwIfAborted();
    const call = openBidi(this.#client, ZeroShotService.method.streamFrames);
    yield* runStream(call, config, frames, { onStarted, signal, tracker });
  }

  /** Closes the connection; calls that are on the way fail. */
  close(): void {
    this.#client.close();
  }
}
