import { once } from "node:events";

import { create } from "@bufbuild/protobuf";
import type { ClientDuplexStream } from "@grpc/grpc-js";

import { both, cancelOnAbort } from "./calls.js";
import type { Closing } from "./closing.js";
import { fromCallFailure, StreamEndedEarlyError } from "./errors.js";
import {
  type Event,
  type Explanation,
  type FrameResult,
  type HealthEvent,
  type StreamConfig,
  type StreamFramesRequest,
  StreamFramesRequestSchema,
  type StreamFramesResponse,
  type StreamStarted,
  type Warning,
} from "./gen/framewatch/v1/framewatch_pb.js";
import { type Explain, frame, isExplain, type StreamItem } from "./requests.js";
import type { ResumeTracker } from "./resume.js";
import { InFlightWindow } from "./window.js";

export type StreamCall = ClientDuplexStream<StreamFramesRequest, StreamFramesResponse>;

/** The callbacks and state of one call. */
export interface RunOptions {
  readonly onStarted?: ((started: StreamStarted) => void) | undefined;
  readonly onWarning: (warning: Warning, configVersion: number) => void;
  readonly signal?: AbortSignal | undefined;
  /** Follows the stream; frames without a number continue from it. */
  readonly tracker: ResumeTracker;
  /** The end of the client. */
  readonly closing: Closing;
}

/** Explains without an answer at most: the source waits when there are more. */
const MAX_EXPLAINS = 64;

/**
 * Runs one StreamFrames call: sends the config, then frames as the server has room for them, and yields its messages.
 *
 * Reads no faster than the caller consumes, and never has more frames in flight than the server's
 * `in_flight_frame_count`, so that nothing accumulates on either side.
 */
export async function* runStream(
  call: StreamCall,
  config: StreamConfig,
  frames: AsyncIterable<StreamItem> | Iterable<StreamItem>,
  { onStarted, onWarning, signal, tracker, closing }: RunOptions,
): AsyncGenerator<FrameResult | Event | HealthEvent, void, undefined> {
  const release = both(cancelOnAbort(call, signal), closing.add(call));
  // A call that is cancelled after its reader has left still emits its error; without a listener that ends the process.
  call.on("error", () => {});
  call.write(create(StreamFramesRequestSchema, { request: { case: "config", value: config } }));
  let sender: FrameSender | undefined;
  try {
    for await (const { response } of call) {
      switch (response.case) {
        case "started":
          tracker.started(response.value);
          onStarted?.(response.value);
          sender ??= new FrameSender(call, frames, response.value.inFlightFrameCount, tracker.nextFrameId);
          break;
        case "result":
          sender?.window.leave();
          tracker.received(response.value);
          yield response.value;
          break;
        case "event":
        case "healthEvent":
          tracker.received(response.value);
          yield response.value;
          break;
        case "configWarnings":
          for (const warning of response.value.warnings) onWarning(warning, response.value.configVersion);
          break;
        case "explanation":
          sender?.answer(response.value);
          break;
        default: // a case of a later version
      }
    }
    sender?.throwIfFailed();
    if (!sender?.finished) throw new StreamEndedEarlyError("the server ended the stream before its time");
    const owed = sender.owed;
    if (owed !== undefined) throw new StreamEndedEarlyError(`the server ended the stream and owes ${owed}`);
  } catch (error) {
    sender?.throwIfFailed();
    signal?.throwIfAborted();
    closing.throwIfClosed();
    throw fromCallFailure(error);
  } finally {
    release();
    sender?.stop();
    call.cancel();
  }
}

/** Pulls frames from their source and sends them; a frame is requested only when it can be sent at once. */
class FrameSender {
  readonly window: InFlightWindow;
  readonly #explainWindow = new InFlightWindow(MAX_EXPLAINS);
  /** The Explains that were sent and have no answer yet; answers arrive in their order. */
  readonly #explains: Explain[] = [];
  readonly #call: StreamCall;
  readonly #stopped = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #finished = false;
  #nextId: bigint;

  constructor(
    call: StreamCall,
    frames: AsyncIterable<StreamItem> | Iterable<StreamItem>,
    capacity: number,
    firstId: bigint,
  ) {
    this.#call = call;
    this.#nextId = firstId;
    this.window = new InFlightWindow(capacity);
    this.#run(frames).catch((error: unknown) => {
      // Of a call that has ended, reading gives the reason.
      if (this.#stopped.signal.aborted || error === CALL_ENDED) return;
      this.#failure = { error };
      call.cancel();
    });
  }

  /** True once the source has ended and every frame was sent. */
  get finished(): boolean {
    return this.#finished;
  }

  /** The outstanding answers, in words; undefined if there are none. */
  get owed(): string | undefined {
    if (this.window.count > 0) return `${this.window.count} results`;
    return this.#explains.length > 0 ? `${this.#explains.length} explanations` : undefined;
  }

  /** Hands the answer to the first Explain; an answer without a question is ignored. */
  answer(explanation: Explanation): void {
    const explain = this.#explains.shift();
    if (explain === undefined) return;
    this.#explainWindow.leave();
    explain.onAnswer(explanation);
  }

  /** Throws the error of the source of the frames, if it failed. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #run(frames: AsyncIterable<StreamItem> | Iterable<StreamItem>): Promise<void> {
    const stopped = this.#stopped.signal;
    const source = Symbol.asyncIterator in frames ? frames[Symbol.asyncIterator]() : frames[Symbol.iterator]();
    try {
      await abortable(this.window.enter(), stopped);
      for (;;) {
        // Not `for await`: a camera's next frame may never come, and stopping must not wait for it.
        const { done, value } = await abortable(Promise.resolve(source.next()), stopped);
        if (done) break;
        if (isExplain(value)) await abortable(this.#explainWindow.enter(), stopped);
        if (!this.#call.write(this.#request(value))) await this.#drained(stopped);
        if (!isExplain(value)) await abortable(this.window.enter(), stopped);
      }
    } catch (error) {
      void Promise.resolve(source.return?.()).catch(() => {});
      throw error;
    }
    this.window.leave();
    this.#finished = true;
    this.#call.end();
  }

  /** Waits until the call takes more. @throws CALL_ENDED, or the signal's reason. */
  async #drained(stopped: AbortSignal): Promise<void> {
    try {
      await once(this.#call, "drain", { signal: stopped });
    } catch (error) {
      throw stopped.aborted ? error : CALL_ENDED;
    }
  }

  #request(item: StreamItem): StreamFramesRequest {
    if (isExplain(item)) {
      this.#explains.push(item);
      return create(StreamFramesRequestSchema, { request: { case: "explain", value: {} } });
    }
    const value = frame(item, this.#nextId);
    this.#nextId = value.frameId + 1n;
    return create(StreamFramesRequestSchema, { request: { case: "frame", value } });
  }
}

/** Thrown where a call has ended while it was written to. */
const CALL_ENDED = new Error("the call has ended");

/** Waits for the promise; throws the signal's reason if the signal aborts first. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
