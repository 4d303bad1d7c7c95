import { once } from "node:events";

import { create } from "@bufbuild/protobuf";
import { type ClientDuplexStream, status } from "@grpc/grpc-js";

import { cancelOnAbort } from "./calls.js";
import { FramewatchError, fromCallFailure } from "./errors.js";
import {
  type Event,
  type FrameResult,
  type StreamConfig,
  type StreamFramesRequest,
  StreamFramesRequestSchema,
  type StreamFramesResponse,
  type StreamStarted,
} from "./gen/framewatch/v1/framewatch_pb.js";
import { frame, type FrameInput } from "./requests.js";
import { InFlightWindow } from "./window.js";

export type StreamCall = ClientDuplexStream<StreamFramesRequest, StreamFramesResponse>;

export interface StreamOptions {
  readonly onStarted?: ((started: StreamStarted) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs one StreamFrames call: sends the config, then frames as the server has room for them, and yields what comes back.
 *
 * Reads no faster than the caller takes, and never has more frames without a result on the way than the server's
 * `in_flight_frame_count`, so that neither side piles up.
 */
export async function* runStream(
  call: StreamCall,
  config: StreamConfig,
  frames: AsyncIterable<FrameInput> | Iterable<FrameInput>,
  { onStarted, signal }: StreamOptions,
): AsyncGenerator<FrameResult | Event, void, undefined> {
  const forgetSignal = cancelOnAbort(call, signal);
  // A call that is cancelled after its reader has gone still emits its error; unheard, that would end the process.
  call.on("error", () => {});
  call.write(create(StreamFramesRequestSchema, { request: { case: "config", value: config } }));
  let sender: FrameSender | undefined;
  try {
    for await (const { response } of call) {
      switch (response.case) {
        case "started":
          onStarted?.(response.value);
          sender ??= new FrameSender(call, frames, response.value.inFlightFrameCount);
          break;
        case "result":
          sender?.window.leave();
          yield response.value;
          break;
        case "event":
          yield response.value;
          break;
        default: // a later version's
      }
    }
    sender?.throwIfFailed();
    if (!sender?.finished) throw new FramewatchError(status.INTERNAL, "the server ended the stream before its time");
    if (sender.window.count > 0) {
      throw new FramewatchError(status.INTERNAL, `the server ended the stream and owes ${sender.window.count} results`);
    }
  } catch (error) {
    sender?.throwIfFailed();
    signal?.throwIfAborted();
    throw fromCallFailure(error);
  } finally {
    forgetSignal();
    sender?.stop();
    call.cancel();
  }
}

/** Pulls frames from their source and sends them: a frame is asked for only when it could be sent at once. */
class FrameSender {
  readonly window: InFlightWindow;
  readonly #call: StreamCall;
  readonly #stopped = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #finished = false;

  constructor(call: StreamCall, frames: AsyncIterable<FrameInput> | Iterable<FrameInput>, capacity: number) {
    this.#call = call;
    this.window = new InFlightWindow(capacity);
    this.#run(frames).catch((error: unknown) => {
      if (this.#stopped.signal.aborted) return;
      this.#failure = { error };
      call.cancel();
    });
  }

  /** Whether the source is at its end and every frame has gone out. */
  get finished(): boolean {
    return this.#finished;
  }

  /** Throws what the source of the frames has thrown. */
  throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #run(frames: AsyncIterable<FrameInput> | Iterable<FrameInput>): Promise<void> {
    const stopped = this.#stopped.signal;
    const source = Symbol.asyncIterator in frames ? frames[Symbol.asyncIterator]() : frames[Symbol.iterator]();
    try {
      for (let nextId = 0n; ; ) {
        await abortable(this.window.enter(), stopped);
        // Not `for await`: a camera's next frame may never come, and stopping must not wait for it.
        const { done, value } = await abortable(Promise.resolve(source.next()), stopped);
        if (done) break;
        const next = frame(value, nextId);
        nextId = next.frameId + 1n;
        const request = create(StreamFramesRequestSchema, { request: { case: "frame", value: next } });
        if (!this.#call.write(request)) await once(this.#call, "drain", { signal: stopped });
      }
    } catch (error) {
      void Promise.resolve(source.return?.()).catch(() => {});
      throw error;
    }
    this.window.leave();
    this.#finished = true;
    this.#call.end();
  }
}

/** The promise's outcome, or the signal's reason if it aborts first. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
