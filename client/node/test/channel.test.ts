import assert from "node:assert/strict";
import { test } from "node:test";

import { channelOptions, isLoopback } from "../src/channel.js";

const OWN = [
  "localhost:50051",
  "LOCALHOST.:50051",
  "camera.localhost:1",
  "127.0.0.1:50051",
  "127.8.9.1",
  "[::1]:50051",
  "::1",
  "[0:0:0:0:0:0:0:1]:1",
  "dns:localhost:50051",
  "dns:///localhost:50051",
  "ipv4:127.0.0.1:50051",
  "ipv6:[::1]:50051",
];
const OTHERS = ["localhost.example.com:50051", "10.0.0.1:50051", "server:50051", "[2001:db8::1]:50051", ""];

test("servers of this machine are reached without the environment's proxy", () => {
  for (const address of OWN) assert.ok(isLoopback(address), address);
  for (const address of OTHERS) assert.ok(!isLoopback(address), address);
  assert.equal(channelOptions("localhost:1")["grpc.enable_http_proxy"], 0);
  assert.equal(channelOptions("server:1")["grpc.enable_http_proxy"], undefined);
});
