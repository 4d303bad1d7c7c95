import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { ClientClosedError, FramewatchClient } from "../src/index.js";
import { started, withServer } from "./server.js";

const PICTURE = new Uint8Array([1, 2, 3]);
const LABELS = { labels: ["cat"] };
const CLOSED = { name: "ClientClosedError", reason: "CLIENT_CLOSED" };

const CALLS: Readonly<Record<string, (client: FramewatchClient) => Promise<unknown>>> = {
  classify: (client) => client.classify(PICTURE, ["cat"]),
  similarity: (client) => client.similarity([PICTURE], [PICTURE]),
  embed: (client) => client.embed({ texts: ["a dog"] }),
  listModels: (client) => client.listModels(),
  stream: (client) => client.stream([PICTURE], LABELS).next(),
};

for (const [name, call] of Object.entries(CALLS)) {
  test(`${name} of a closed client is refused`, async () => {
    const client = new FramewatchClient("127.0.0.1:1");
    client.close();
    client.close();
    await assert.rejects(call(client), CLOSED);
  });

  test(`closing a client ends ${name} that waits for a server`, async () => {
    const client = new FramewatchClient("127.0.0.1:1");
    const called = call(client);
    client.close();
    await assert.rejects(called, CLOSED);
  });
}

test("closing a client ends its streams, those that wait and those that are at rest", () => {
  const server = (stream: NodeJS.EventEmitter & { write(answer: unknown): void }) =>
    stream.on("data", ({ request }) => request.case === "config" && stream.write(started(2)));
  return withServer(server, async (client) => {
    const waiting = client.stream([PICTURE], { ...LABELS, onStarted: () => setImmediate(() => client.close()) });
    await assert.rejects(waiting.next(), ClientClosedError);
    await assert.rejects(client.stream([PICTURE], LABELS).next(), ClientClosedError);
  });
});

test("the server learns of a client that was closed", async () => {
  let cancelled: Promise<unknown> | undefined;
  const server = (stream: NodeJS.EventEmitter & { write(answer: unknown): void }) => {
    cancelled = once(stream, "cancelled");
    stream.on("data", ({ request }) => request.case === "config" && stream.write(started(2)));
  };
  await withServer(server, async (client) => {
    const stream = client.stream([PICTURE], { ...LABELS, onStarted: () => setImmediate(() => client.close()) });
    await assert.rejects(stream.next(), ClientClosedError);
    await cancelled;
  });
});
