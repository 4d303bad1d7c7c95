/**
 * Counts the frames in flight and makes their sender wait for room; no I/O of its own.
 *
 * One sender calls `enter` before each frame; the reader of the answers calls `leave` for each.
 */
export class InFlightWindow {
  readonly #capacity: number;
  #count = 0;
  #admit: (() => void) | undefined;

  /** @param capacity - The most frames in flight; taken as 1 when less, since with none nothing would ever be sent. */
  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity);
  }

  /** The number of frames in flight. */
  get count(): number {
    return this.#count;
  }

  /** Takes a place, and waits for one if there is none. */
  async enter(): Promise<void> {
    if (this.#count >= this.#capacity) {
      // `leave` hands its place over, so the count stays.
      await new Promise<void>((resolve) => (this.#admit = resolve));
      return;
    }
    this.#count += 1;
  }

  /** Gives a place back, to a waiting sender if there is one. A surplus answer gives back nothing. */
  leave(): void {
    const admit = this.#admit;
    if (admit) {
      this.#admit = undefined;
      admit();
    } else if (this.#count > 0) {
      this.#count -= 1;
    }
  }
}
