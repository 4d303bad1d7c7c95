import { create } from "@bufbuild/protobuf";

import type { ResumePoint } from "./config.js";
import {
  type Event,
  type FrameResult,
  type HealthEvent,
  type Resume,
  ResumeSchema,
  type StreamStarted,
} from "./gen/framewatch/v1/framewatch_pb.js";

/** Keeps the state that another stream needs to take over from this one; no I/O of its own. */
export class ResumeTracker {
  #token: string;
  #lastFrameId: bigint | undefined;
  #lastEventId: string;

  /** @param from - The point at which the stream itself takes over; absent for a new stream. */
  constructor(from: ResumePoint = {}) {
    this.#token = from.token ?? "";
    this.#lastFrameId = from.lastFrameId;
    this.#lastEventId = from.lastEventId ?? "";
  }

  /** Takes the server's answer to the config. */
  started({ resumeToken, resumed }: StreamStarted): void {
    this.#token = resumeToken;
    // A stream that starts anew has other events; the numbers of its frames still continue.
    if (!resumed) this.#lastEventId = "";
  }

  /** Takes a message of the stream. */
  received(message: FrameResult | Event | HealthEvent): void {
    if (message.$typeName === "framewatch.v1.FrameResult") this.#lastFrameId = message.frameId;
    else this.#lastEventId = message.eventId;
  }

  /** The number of a first frame without one: one more than the last frame's; 0 for a new stream. */
  get nextFrameId(): bigint {
    return this.#lastFrameId === undefined ? 0n : this.#lastFrameId + 1n;
  }

  /** The point at which another stream can take over; undefined while the server has given no token. */
  point(): Resume | undefined {
    if (this.#token === "") return undefined;
    return create(ResumeSchema, {
      token: this.#token,
      lastFrameId: this.#lastFrameId,
      lastEventId: this.#lastEventId,
    });
  }
}
