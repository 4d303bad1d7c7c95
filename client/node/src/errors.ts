import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type Metadata, status } from "@grpc/grpc-js";

import { BadRequestSchema, ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "./gen/google/rpc/status_pb.js";

/** A field of the request that was wrong. */
export interface FieldViolation {
  /** Its path, such as `label_set.labels[2].name`. */
  readonly field: string;
  /** What was wrong with it. */
  readonly description: string;
}

/** What a google.rpc.Status tells beyond code and message. */
export interface ErrorDetails {
  /** Stable name of the fault, such as `INVALID_LABEL_SET`; absent when the server gave none. */
  readonly reason?: string;
  /** Who defined the reason: `framewatch`; absent when the server gave none. */
  readonly domain?: string;
  /** The fields that were wrong; often none. */
  readonly fields: readonly FieldViolation[];
  /** Further facts by name, such as a limit's `maximum`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What grpc-js throws, as far as it is used here. */
interface CallFailure {
  readonly code: status;
  readonly details: string;
  readonly metadata?: Metadata;
}

/** A call failed. */
export class FramewatchError extends Error implements ErrorDetails {
  override readonly name = "FramewatchError";
  readonly code: status;
  readonly reason?: string;
  readonly domain?: string;
  readonly fields: readonly FieldViolation[];
  readonly metadata: Readonly<Record<string, string>>;

  constructor(code: status, message: string, details: ErrorDetails = NO_DETAILS, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.reason = details.reason;
    this.domain = details.domain;
    this.fields = details.fields;
    this.metadata = details.metadata;
  }

  /** The code's name, such as `INVALID_ARGUMENT`. */
  get codeName(): string {
    return status[this.code] ?? `code ${this.code}`;
  }
}

const NO_DETAILS: ErrorDetails = { fields: [], metadata: {} };

/** Turns a failed call of grpc-js into a FramewatchError; gives anything else back as it is. */
export function fromCallFailure(error: unknown): unknown {
  if (!isCallFailure(error)) return error;
  const trailer = error.metadata?.get("grpc-status-details-bin")[0];
  const details = trailer instanceof Uint8Array ? decodeDetails(trailer) : NO_DETAILS;
  return new FramewatchError(error.code, error.details, details, { cause: error });
}

function isCallFailure(error: unknown): error is CallFailure {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}

/**
 * Decodes the `grpc-status-details-bin` trailer: a google.rpc.Status with ErrorInfo and BadRequest.
 *
 * Details of other types are passed over. So are bytes that are no Status: the call's own error matters more.
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
