import {
  type DescMessage,
  type DescMethod,
  type DescMethodBiDiStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { type Client, type ClientDuplexStream, Metadata } from "@grpc/grpc-js";

import type { Closing } from "./closing.js";
import { fromCallFailure } from "./errors.js";

/** Options of every call. */
export interface CallOptions {
  /** Cancels the call, which then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Makes a unary call, which fails after `timeoutMs`. */
export async function callUnary<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodUnary<I, O>,
  request: MessageShape<I>,
  { signal, timeoutMs, closing }: CallOptions & { timeoutMs: number; closing: Closing },
): Promise<MessageShape<O>> {
  signal?.throwIfAborted();
  closing.throwIfClosed();
  let release = () => {};
  try {
    return await new Promise<MessageShape<O>>((resolve, reject) => {
      const call = client.makeUnaryRequest(
        path(method),
        encoder(method.input),
        decoder(method.output),
        request,
        new Metadata(),
        { deadline: Date.now() + timeoutMs },
        (error, response) => (response === undefined ? reject(error) : resolve(response)),
      );
      release = both(cancelOnAbort(call, signal), closing.add(call));
    });
  } catch (error) {
    signal?.throwIfAborted();
    closing.throwIfClosed();
    throw fromCallFailure(error);
  } finally {
    release();
  }
}

/** Opens a bidirectional call. */
export function openBidi<I extends DescMessage, O extends DescMessage>(
  client: Client,
  method: DescMethodBiDiStreaming<I, O>,
): ClientDuplexStream<MessageShape<I>, MessageShape<O>> {
  return client.makeBidiStreamRequest(path(method), encoder(method.input), decoder(method.output));
}

/** Cancels the call when the signal aborts. @returns A function that detaches the call from the signal. */
export function cancelOnAbort(call: { cancel(): void }, signal: AbortSignal | undefined): () => void {
  const cancel = () => call.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  return () => signal?.removeEventListener("abort", cancel);
}

/** Returns a function that calls both. */
export function both(first: () => void, second: () => void): () => void {
  return () => {
    first();
    second();
  };
}

function path(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function encoder<D extends DescMessage>(schema: D): (message: MessageShape<D>) => Buffer {
  return (message) => {
    const bytes = toBinary(schema, message);
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function decoder<D extends DescMessage>(schema: D): (bytes: Uint8Array) => MessageShape<D> {
  return (bytes) => fromBinary(schema, bytes);
}
