import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type Metadata, status } from "@grpc/grpc-js";

import { BadRequestSchema, ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

/** A field of the request that was wrong. */
export interface FieldViolation {
  /** Its path, such as `label_set.labels[2].name`. */
  readonly field: string;
  /** The fault, in words. */
  readonly description: string;
}

/** The details of a google.rpc.Status besides code and message. */
export interface ErrorDetails {
  /** Stable name of the fault, such as `INVALID_LABEL_SET`; absent when the server gave none. */
  readonly reason?: string;
  /** The definer of the reason: `framewatch`; absent when the server gave none. */
  readonly domain?: string;
  /** The fields that were wrong; often none. */
  readonly fields: readonly FieldViolation[];
  /** Further facts by name, such as the `maximum` of a limit. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** An error of grpc-js, as far as it is used here. */
interface CallFailure {
  readonly code: status;
  readonly details: string;
  readonly metadata?: Metadata;
}

/**
 * The root of all errors that this library throws on purpose:
 *
 *     FramewatchError
 *     ├── FramewatchCallError     the server refused a call, or can't be reached
 *     ├── InvalidResponseError    the server answered, but not what was asked for
 *     ├── StreamEndedEarlyError   the server ended a stream before its last result, and gave no reason
 *     └── ClientClosedError       the client was closed, before a call or while it ran
 */
export class FramewatchError extends Error {
  override readonly name: string = "FramewatchError";
  /** Stable name of the fault, UPPER_SNAKE_CASE; absent when the server gave none. */
  readonly reason?: string;

  constructor(message: string, reason?: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** A failed call: the server refused it, or can't be reached. */
export class FramewatchCallError extends FramewatchError implements ErrorDetails {
  override readonly name = "FramewatchCallError";
  readonly code: status;
  readonly domain?: string;
  readonly fields: readonly FieldViolation[];
  readonly metadata: Readonly<Record<string, string>>;

  constructor(code: status, message: string, details: ErrorDetails = NO_DETAILS, options?: ErrorOptions) {
    super(message, details.reason, options);
    this.code = code;
    this.domain = details.domain;
    this.fields = details.fields;
    this.metadata = details.metadata;
  }

  /** The code's name, such as `INVALID_ARGUMENT`. */
  get codeName(): string {
    return status[this.code] ?? `code ${this.code}`;
  }
}

/** An answer of the server that is not what was asked for. */
export class InvalidResponseError extends FramewatchError {
  override readonly name = "InvalidResponseError";

  constructor(message: string) {
    super(message, "INVALID_RESPONSE");
  }
}

/** A stream that the server ended before its last result without an error. */
export class StreamEndedEarlyError extends FramewatchError {
  override readonly name = "StreamEndedEarlyError";

  constructor(message: string) {
    super(message, "STREAM_ENDED_EARLY");
  }
}

/** A call whose client was closed, before it or while it ran. */
export class ClientClosedError extends FramewatchError {
  override readonly name = "ClientClosedError";

  constructor() {
    super("the client was closed, which ended its calls: make a new client for further ones", "CLIENT_CLOSED");
  }
}

const NO_DETAILS: ErrorDetails = { fields: [], metadata: {} };

/** Converts a failed call of grpc-js to a FramewatchCallError; returns any other error unchanged. */
export function fromCallFailure(error: unknown): unknown {
  if (!isCallFailure(error)) return error;
  const trailer = error.metadata?.get("grpc-status-details-bin")[0];
  const details = trailer instanceof Uint8Array ? decodeDetails(trailer) : NO_DETAILS;
  return new FramewatchCallError(error.code, error.details, details, { cause: error });
}

function isCallFailure(error: unknown): error is CallFailure {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}

/**
 * Decodes the `grpc-status-details-bin` trailer: a google.rpc.Status with ErrorInfo and BadRequest.
 *
 * Details of other types are ignored. So are bytes that are no Status: the call's own error matters more.
 */
export function decodeDetails(trailer: Uint8Array): ErrorDetails {
  try {
    const { details } = fromBinary(StatusSchema, trailer);
    const info = details.map((any) => anyUnpack(any, ErrorInfoSchema)).find((found) => found !== undefined);
    const violations = details.flatMap((any) => anyUnpack(any, BadRequestSchema)?.fieldViolations ?? []);
    return {
      reason: info?.reason,
      domain: info?.domain,
      fields: violations.map(({ field, description }) => ({ field, description })),
      metadata: info?.metadata ?? {},
    };
  } catch {
    return NO_DETAILS;
  }
}
