/**
 * Counts the frames that are on the way and makes their sender wait for room; no I/O of its own.
 *
 * One sender calls `enter` before each frame; whoever reads the answers calls `leave` for each.
 */
export class InFlightWindow {
  readonly #capacity: number;
  #count = 0;
  #admit: (() => void) | undefined;

  /** @param capacity - How many frames may be on the way; taken as 1 when less, since none would never send. */
  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity);
  }

  /** How many frames are on the way. */
  get count(): number {
    return this.#count;
  }

  /** Takes a place, as soon as there is one. */
  async enter(): Promise<void> {
    if (this.#count >= this.#capacity) {
      // `leave` hands its place over, so the count stays.
      await new Promise<void>((resolve) => (this.#admit = resolve));
      return;
    }
    this.#count += 1;
  }

  /** Gives a place back, to the sender that waits if there is one. An answer too many gives back nothing. */
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
