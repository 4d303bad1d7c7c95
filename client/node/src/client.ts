import { create, type DescMessage, type DescMethodUnary, type MessageShape } from "@bufbuild/protobuf";
import { type ChannelCredentials, type ChannelOptions, Client, credentials } from "@grpc/grpc-js";

import { type CallOptions, callUnary, openBidi } from "./calls.js";
import { channelOptions } from "./channel.js";
import { Closing } from "./closing.js";
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
  /** Credentials of the connection. Default: no encryption. */
  readonly credentials?: ChannelCredentials;
  /** Overrides of grpc-js' channel options. */
  readonly channel?: ChannelOptions;
}

/** Options of the unary calls. */
export interface UnaryOptions extends CallOptions {
  /** Milliseconds, retries included, after which the call fails with DEADLINE_EXCEEDED. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
}

export interface ModelOptions extends UnaryOptions {
  /** The model's name on the server. Absent: the default model. */
  readonly model?: string | undefined;
}

export interface ClassifyOptions extends ModelOptions {
  /** Sentences with `{label}`. Absent: the server's default, `a photo of {label}`. Empty: names are used verbatim. */
  readonly templates?: readonly string[] | undefined;
  /** The number of best labels to return; 0 and absent: all. */
  readonly topCount?: number | undefined;
}

/** The images and texts to embed. */
export interface EmbedInput {
  /** At most 1024 by default. An image that can't be decoded fails the call, and the error names it. */
  readonly images?: readonly PictureInput[] | undefined;
  /** Used verbatim; at most 1000, each 1 to 2000 characters. Models expect sentences: `a photo of a dog`. */
  readonly texts?: readonly string[] | undefined;
}

/** Labels with scores, best first; the model that answered; timings; warnings. */
export type Classification = ClassifyResponse;

/** Options of `stream`. */
export interface StreamOptions extends ConfigOptions, CallOptions {
  /** Called once, before the first result, with the server's answer to the config. */
  readonly onStarted?: ((started: StreamStarted) => void) | undefined;
  /**
   * Called with each likely mistake in the config, such as a truncated prompt; an exception of it ends the stream.
   * Absent: `process.emitWarning`, of type `FramewatchWarning`, with the reason as its code.
   */
  readonly onWarning?: ((warning: Warning, configVersion: number) => void) | undefined;
}

/** The messages of a stream, and the point at which another stream can take over if this one is lost. */
export interface Stream extends AsyncGenerator<FrameResult | Event | HealthEvent, void, undefined> {
  /**
   * The point after the last yielded message; pass it as `resume` to another stream. Undefined while the server has
   * given no token: it has not answered yet, or can't resume streams.
   */
  resumePoint(): Resume | undefined;
}

/**
 * A connection to a framewatch server; one serves any number of calls at a time.
 *
 * Calls that fail throw a FramewatchError; calls ended by an AbortSignal throw the signal's reason. Unary calls are
 * attempted up to 4 times, within their timeout, while the server is unavailable.
 *
 * @example
 * const client = new FramewatchClient("127.0.0.1:50051");
 * const { scores } = await client.classify("cat.jpg", ["cat", "dog"]);
 * client.close();
 */
export class FramewatchClient {
  readonly #client: Client;
  readonly #closing = new Closing();

  /** Connects with the first call. @param address - `host:port`, or any other name that gRPC resolves. */
  constructor(address: string, options: ClientOptions = {}) {
    this.#client = new Client(address, options.credentials ?? credentials.createInsecure(), {
      ...channelOptions(address),
      ...options.channel,
    });
  }

  /**
   * Scores one image against labels.
   *
   * @param picture - The path of a JPEG, PNG or WebP file, the bytes of one, or pixels.
   * @throws FramewatchError when the call fails; the error of `readFile` when the file can't be read.
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
   * @param queries - At least one. With the candidates at most 1024 images by default.
   * @param candidates - At least one.
   * @returns A row of cosines per query.
   * @throws FramewatchError when the call fails; the error of `readFile` when a file can't be read.
   */
  async similarity(
    queries: readonly PictureInput[],
    candidates: readonly PictureInput[],
    { model, ...options }: ModelOptions = {},
  ): Promise<Similarities> {
    const [first, ...others] = await readPictures(queries, options.signal);
    const request = create(SimilarityRequestSchema, {
      model,
      // Servers without the field `queries` still answer a single query.
      ...(first && others.length > 0 ? { queries: [first, ...others] } : { query: first }),
      candidates: await readPictures(candidates, options.signal),
    });
    const response = await this.#call(ZeroShotService.method.similarity, request, options);
    return similarities(response, queries.length, candidates.length);
  }

  /**
   * Computes the vectors of images and texts, for an index or a classifier of your own.
   *
   * @returns The vectors in the order given, with the digest of the model's weights.
   * @throws FramewatchError when the call fails; the error of `readFile` when a file can't be read.
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

  /** Lists the loaded models; the first is the default. @throws FramewatchError when the call fails. */
  async listModels(options: UnaryOptions = {}): Promise<Model[]> {
    const request = create(ListModelsRequestSchema);
    const { models } = await this.#call(ZeroShotService.method.listModels, request, options);
    return models;
  }

  /**
   * Streams frames: yields exactly one result per frame, in the order of the frames, each followed by the events that
   * it caused. Distinguish them by `$typeName`. The source may yield an Explain among its frames.
   *
   * The call begins with the first `next`, and ends when the frames end, when the caller leaves the loop, or when it
   * fails. A frame is taken from its source only when it can be sent at once, so a live source may skip stale frames.
   *
   * A lost connection fails the call: this client does not reconnect by itself. The `resumePoint` of the returned
   * stream, passed as `resume` to another `stream`, continues from there.
   *
   * The source also waits while 64 Explains have no answer.
   *
   * @throws FramewatchError when the call fails; any error of the source of the frames.
   */
  stream(frames: AsyncIterable<StreamItem> | Iterable<StreamItem>, options: StreamOptions): Stream {
    const tracker = new ResumeTracker(options.resume);
    return Object.assign(this.#messages(frames, options, tracker), { resumePoint: () => tracker.point() });
  }

  async *#messages(
    frames: AsyncIterable<StreamItem> | Iterable<StreamItem>,
    { onStarted, onWarning = emitWarning, signal, ...options }: StreamOptions,
    tracker: ResumeTracker,
  ): AsyncGenerator<FrameResult | Event | HealthEvent, void, undefined> {
    const config = streamConfig(options);
    signal?.throwIfAborted();
    const closing = this.#closing;
    closing.throwIfClosed();
    const call = openBidi(this.#client, ZeroShotService.method.streamFrames);
    yield* runStream(call, config, frames, { onStarted, onWarning, signal, tracker, closing });
  }

  #call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageShape<I>,
    { signal, timeoutMs = TIMEOUT_MS }: UnaryOptions,
  ): Promise<MessageShape<O>> {
    return callUnary(this.#client, method, request, { signal, timeoutMs, closing: this.#closing });
  }

  /** Closes the connection. Calls in progress and later ones throw a ClientClosedError. */
  close(): void {
    this.#closing.close();
    this.#client.close();
  }
}
