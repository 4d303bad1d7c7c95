import { ClientClosedError } from "./errors.js";

/** The calls of a client, which its end cancels; grpc-js itself lets calls in progress go on. */
export class Closing {
  readonly #calls = new Set<{ cancel(): void }>();
  #closed = false;

  /** @throws ClientClosedError once the client was closed. */
  throwIfClosed(): void {
    if (this.#closed) throw new ClientClosedError();
  }

  /** Takes a call that was begun. @returns A function that forgets it. */
  add(call: { cancel(): void }): () => void {
    this.#calls.add(call);
    return () => this.#calls.delete(call);
  }

  /** Cancels the calls; later ones are refused. */
  close(): void {
    this.#closed = true;
    for (const call of this.#calls) call.cancel();
    this.#calls.clear();
  }
}
