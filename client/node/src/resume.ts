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

/** Keeps what another stream needs to take over from this one; no I/O of its own. */
export class ResumeTracker {
  #token: string;
  #lastFrameId: bigint | undefined;
  #lastEventId: string;

  /** @param from - Where the stream itself takes over; absent: it is a new one. */
  constructor(from: ResumePoint = {}) {
    this.#token = from.token ?? "";
    this.#lastFrameId = from.lastFrameId;
    this.#lastEventId = from.lastEventId ?? "";
  }

  /** The server has taken the config. */
  started({ resumeToken, resumed }: StreamStarted): void {
    this.#token = resumeToken;
    // The events of a stream that starts anew are others. Its frames are still numbered on.
    if (!resumed) this.#lastEventId = "";
  }

  /** A message has come. */
  took(message: FrameResult | Event | HealthEvent): void {
    if (message.$typeName === "framewatch.v1.FrameResult") this.#lastFrameId = message.frameId;
    else this.#lastEventId = message.eventId;
  }

  /** The number of a first frame that brings none: one more than the last one's; of a new stream: 0. */
  get nextFrameId(): bigint {
    return this.#lastFrameId === undefined ? 0n : this.#lastFrameId + 1n;
  }

  /** Where another stream can take over; undefined: nowhere, for the server has given no token. */
  point(): Resume | undefined {
    if (this.#token === "") return undefined;
    return create(ResumeSchema, {
      token: this.#token,
      lastFrameId: this.#lastFrameId,
      lastEventId: this.#lastEventId,
    });
  }
}
