import type { ChannelOptions } from "@grpc/grpc-js";

import { ZeroShotService } from "./gen/framewatch/v1/framewatch_pb.js";

/** The largest message either way: that of the server's `max_message_bytes`. grpc-js alone would take 4 MiB. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Calls that ask and change nothing, so that asking again does no harm; a stream has `resumePoint` instead. */
const RETRIED = ["classify", "similarity", "embed", "listModels"] as const;

const RETRY_POLICY = {
  maxAttempts: 4,
  initialBackoff: "0.2s",
  maxBackoff: "2s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE"],
};

const SERVICE_CONFIG = { methodConfig: [{ name: RETRIED.map(methodName), retryPolicy: RETRY_POLICY }] };

function methodName(method: (typeof RETRIED)[number]): { service: string; method: string } {
  return { service: ZeroShotService.typeName, method: ZeroShotService.method[method].name };
}

/** How the client's channel is unlike grpc-js' own defaults. */
export const CHANNEL_OPTIONS: ChannelOptions = {
  // Home routers and firewalls forget a silent connection after a minute or a few.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // Calls are refused while the channel waits to connect again: tries of them must outlast that.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 5_000,
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  // What is larger than this, or comes while that much waits for its answer, is not tried again.
  "grpc.per_rpc_retry_buffer_size": MAX_MESSAGE_BYTES,
  "grpc.retry_buffer_size": MAX_MESSAGE_BYTES,
  "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
};
