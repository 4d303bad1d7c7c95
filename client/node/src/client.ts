import { create, type DescMessage, type DescMethodUnary, type MessageShape } from "@bufbuild/protobuf";
import { type ChannelCredentials, type ChannelOptions, Client, credentials } from "@grpc/grpc-js";

import { type CallOptions, callUnary, openBidi } from "./calls.js";
import { CHANNEL_OPTIONS } from "./channel.js";
import { type ConfigOptions, streamConfig } from "./config.js";
import {
  ClassifyRequestSchema,
  type ClassifyResponse,
  EmbedRequestSchema,
  type Event,
  type HealthEvent,
  type FrameResult,
  ListModelsRequestSchema,
  type Model,
  type Resume,
  SimilarityRequestSchema,
  type StreamStarted,
  type Warning,
  ZeroShotService,
} from "./gen/framewatch/v1/framewatch_pb.js";
import { type PictureInput, readPicture, readPictures } from "./pictures.js";
import { type LabelInput, labelSet, type StreamItem } from "./requests.js";
import { ResumeTracker } from "./resume.js";
import { runStream } from "./stream.js";
import { type Embeddings, embeddings, type Similarities, similarities } from "./vectors.js";
import { emitWarning } from "./warnings.js";

const TIMEOUT_MS = 30_000;

export interface ClientOptions {
  /** How to prove who is who. Default: plain text. */
  readonly credentials?: ChannelCredentials;
  /** Overrides of grpc-js' channel options. */
  readonly channel?: ChannelOptions;
}

/** How a call that has one answer is made. */
export interface UnaryOptions extends CallOptions {
  /** Fails with DEADLINE_EXCEEDED after so many milliseconds, its retries counted. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
}

export interface ModelOptions extends UnaryOptions {
  /** As the server names it. Absent: its default model. */
  readonly model?: string | undefined;
}

export interface ClassifyOptions extends ModelOptions {
  /** Sentences with `{label}`. Absent: the server's one, `a photo of {label}`. Empty: names are used verbatim. */
  readonly templates?: readonly string[] | undefined;
  /** How many of the best labels to return; 0 and absent: all. */
  readonly topCount?: number | undefined;
}

/** What to embed. */
export interface EmbedInput {
  /** At most 1024, unless the server says otherwise. One that can't be decoded fails the call, which names it. */
  readonly images?: readonly PictureInput[] | undefined;
  /** Used verbatim; at most 1000, each 1 to 2000 characters. Models are used to sentences: `a photo of a dog`. */
  readonly texts?: readonly string[] | undefined;
}

/** Labels with scores, best first; the model that answered; where the time went; what may not be as it was meant. */
export type Classification = ClassifyResponse;

export interface WatchOptions extends ConfigOptions, CallOptions {
  /** Told once, before the first result, what the server wants and what it can do. */
  readonly onStarted?: ((started: StreamStarted) => void) | undefined;
  /**
   * Told of each thing in the config that may not be as it was meant, such as a prompt that was cut off; must not
   * throw unless the stream is to end. Absent: `process.emitWarning`, of type `FramewatchWarning`, its code the reason.
   */
  readonly onWarning?: ((warning: Warning, configVersion: number) => void) | undefined;
}

/** The messages of a stream, and from where another stream could take over should this one be lost. */
export interface Watch extends AsyncGenerator<FrameResult | Event | HealthEvent, void, undefined> {
  /**
   * Where a stream takes over that begins after the last message that was yielded; give it as `resume`. Undefined: the
   * server gave no token, since it has not answered yet or can't resume.
   */
  resumePoint(): Resume | undefined;
}

/**
 * A connection to a framewatch server; one serves any number of calls at a time.
 *
 * Calls that fail throw a FramewatchError; calls ended by an AbortSignal throw the signal's reason. Calls with one
 * answer are tried up to 4 times, within their timeout, while the server is unavailable.
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
   * @param picture - The path of a JPEG, PNG or WebP file, the bytes of one, or pixels.
   * @throws FramewatchError when the call fails; what `readFile` throws when the file can't be read.
   */
  async classify(
    picture: PictureInput,
    labels: readonly LabelInput[],
    { templates, topCount, model, ...options }: ClassifyOptions = {},
  ): Promise<Classification> {
    const image = await readPicture(picture, options.signal);
    const request = create(ClassifyRequestSchema, {
      model,
      image,
      labelSet: labelSet({ labels, templates }),
      topCount,
    });
    return this.#call(ZeroShotService.method.classify, request, options);
  }

  /**
   * Compares every query with every candidate.
   *
   * @param queries - At least one. With the candidates at most 1024 pictures, unless the server says otherwise.
   * @param candidates - At least one.
   * @returns A row of cosines per query.
   * @throws FramewatchError when the call fails; what `readFile` throws when a file can't be read.
   */
  async similarity(
    queries: readonly PictureInput[],
    candidates: readonly PictureInput[],
    { model, ...options }: ModelOptions = {},
  ): Promise<Similarities> {
    const [first, ...others] = await readPictures(queries, options.signal);
    const request = create(SimilarityRequestSchema, {
      model,
      // Servers that know no `queries` still answer to one.
      ...(first && others.length > 0 ? { queries: [first, ...others] } : { query: first }),
      candidates: await readPictures(candidates, options.signal),
    });
    const response = await this.#call(ZeroShotService.method.similarity, request, options);
    return similarities(response, queries.length, candidates.length);
  }

  /**
   * Gives the vectors of images and texts, for an index or a classifier of one's own.
   *
   * @returns The vectors in the order given, with what tells whether they can be compared with others.
   * @throws FramewatchError when the call fails; what `readFile` throws when a file can't be read.
   */
  async embed(
    { images = [], texts = [] }: EmbedInput,
    { model, ...options }: ModelOptions = {},
  ): Promise<Embeddings> {
    const pictures = await readPictures(images, options.signal);
    const request = create(EmbedRequestSchema, { model, images: pictures, texts: [...texts] });
    const response = await this.#call(ZeroShotService.method.embed, request, options);
    return embeddings(response, images.length, texts.length);
  }

  /** The models that the server has; the first is its default. @throws FramewatchError when the call fails. */
  async listModels(options: UnaryOptions = {}): Promise<Model[]> {
    const request = create(ListModelsRequestSchema);
    const { models } = await this.#call(ZeroShotService.method.listModels, request, options);
    return models;
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
    { onStarted, onWarning = emitWarning, signal, ...options }: WatchOptions,
    tracker: ResumeTracker,
  ): AsyncGenerator<FrameResult | Event | HealthEvent, void, undefined> {
    const config = streamConfig(options);
    signal?.throwIfAborted();
    const call = openBidi(this.#client, ZeroShotService.method.streamFrames);
    yield* runStream(call, config, frames, { onStarted, onWarning, signal, tracker });
  }

  #call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    { signal, timeoutMs = TIMEOUT_MS }: UnaryOptions,
  ): Promise<MessageShape<O>> {
    return callUnary(this.#client, method, request, { signal, timeoutMs });
  }

  /** Closes the connection; calls that are on the way fail. */
  close(): void {
    this.#client.close();
  }
}
