import type { ChannelOptions } from "@grpc/grpc-js";

import { ZeroShotService } from "./gen/framewatch/v1/framewatch_pb.js";

/** The largest message in either direction: the server's default `max_message_bytes`. grpc-js itself accepts 4 MiB. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** The calls without side effects, which can be repeated; a stream has `resumePoint` instead. */
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

/** Channel options that differ from the defaults of grpc-js. @param address - `host:port`, or a name of gRPC's. */
export function channelOptions(address: string): ChannelOptions {
  // grpc-js takes the environment's proxy for this machine's own servers too.
  return isLoopback(address) ? { ...CHANNEL_OPTIONS, "grpc.enable_http_proxy": 0 } : CHANNEL_OPTIONS;
}

/** True if the address is one of this machine only. */
export function isLoopback(address: string): boolean {
  const name = address.replace(/^(?:dns:(?:\/\/[^/]*\/)?|ipv[46]:(?:\/\/\/)?)/i, "").replace(/(?<=[^:]):[0-9]+$/, "");
  const host = name.replace(/^\[|\]$/g, "").replace(/\.$/, "").toLowerCase();
  return /^(?:(?:.*\.)?localhost|127(?:\.\d{1,3}){3}|(?:0{0,4}:){2,7}0{0,3}1)$/.test(host);
}

const CHANNEL_OPTIONS: ChannelOptions = {
  // Home routers and firewalls forget a silent connection after a minute or a few.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // Calls fail while the channel waits to connect again: their attempts must outlast that.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 5_000,
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  // Requests beyond this size, alone or together with those that wait for their answers, are not retried.
  "grpc.per_rpc_retry_buffer_size": MAX_MESSAGE_BYTES,
  "grpc.retry_buffer_size": MAX_MESSAGE_BYTES,
  "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
};
