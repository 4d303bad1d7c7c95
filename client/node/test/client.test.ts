import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { status } from "@grpc/grpc-js";

import type { FramewatchClient, Image, SimilarityRequest } from "../src/index.js";
import { callFailure, detailsTrailer, type Unary, withUnary } from "./server.js";

const PICTURE = new Uint8Array([1, 2, 3]);
const RAW = { data: new Uint8Array(3), width: 1, height: 1 };
const UNAVAILABLE = callFailure(status.UNAVAILABLE, "starting", Buffer.alloc(0));

/** The bytes of numbers, in the server's format. */
function sent(...numbers: number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * numbers.length);
  numbers.forEach((number, index) => bytes.writeFloatLE(number, 4 * index));
  return bytes;
}

function contentOf({ content }: Image): unknown {
  return content.case === "encoded" ? [...content.value] : content.case;
}

test("embed sends images of every kind and texts, and returns their vectors", async () => {
  const folder = await mkdtemp(join(tmpdir(), "framewatch-"));
  const path = join(folder, "a.jpg");
  await writeFile(path, new Uint8Array([9]));
  const warning = { reason: "TEXT_TRUNCATED", message: "cut off", field: "texts[0]" };
  const embed: Unary["embed"] = ({ images, texts, model }) => {
    assert.deepEqual([images.map(contentOf), texts, model], [[[9], [1, 2, 3], "raw"], ["a dog"], "big"]);
    const vectors = { imageVectors: sent(1, 0, 0, 1, -1, 0), textVectors: sent(0.5, -0.5) };
    return { ...vectors, dimension: 2, model: "big", weightsDigest: "abcd", warnings: [warning] };
  };
  try {
    await withUnary({ embed }, async (client) => {
      const found = await client.embed({ images: [path, PICTURE, RAW], texts: ["a dog"] }, { model: "big" });
      assert.deepEqual(found.imageVectors, [[1, 0], [0, 1], [-1, 0]].map((vector) => Float32Array.from(vector)));
      assert.deepEqual(found.textVectors, [Float32Array.from([0.5, -0.5])]);
      assert.deepEqual([found.dimension, found.model, found.weightsDigest], [2, "big", "abcd"]);
      assert.deepEqual(found.warnings.map(({ reason, field }) => [reason, field]), [["TEXT_TRUNCATED", "texts[0]"]]);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a large response with many vectors is accepted", () => {
  const [images, dimension] = [Array<Uint8Array>(1024).fill(PICTURE), 1280];
  const embed = () => ({ dimension, imageVectors: new Uint8Array(4 * dimension * images.length) });
  return withUnary({ embed }, async (client) => {
    assert.equal((await client.embed({ images })).imageVectors.length, images.length);
  });
});

test("one query is sent as query, several as queries", () => {
  const received: (readonly [unknown, unknown])[] = [];
  const similarity = ({ query, queries, candidates }: SimilarityRequest) => {
    received.push([query && contentOf(query), queries.map(contentOf)]);
    const count = Math.max(1, queries.length) * candidates.length;
    return { similarities: Array.from({ length: count }, (_, index) => index / 8), model: "demo" };
  };
  return withUnary({ similarity }, async (client) => {
    const one = await client.similarity([PICTURE], [RAW, RAW]);
    const two = await client.similarity([PICTURE, RAW], [RAW, RAW]);
    assert.deepEqual(received, [
      [[1, 2, 3], []],
      [undefined, [[1, 2, 3], "raw"]],
    ]);
    assert.deepEqual(one.rows, [Float32Array.from([0, 1 / 8])]);
    assert.deepEqual(two.rows, [Float32Array.from([0, 1 / 8]), Float32Array.from([2 / 8, 3 / 8])]);
    assert.equal(two.model, "demo");
  });
});

test("a classification carries its warnings", () => {
  const warnings = [{ reason: "TEXT_TRUNCATED", message: "cut off", field: "label_set.labels[0].prompts[0]" }];
  return withUnary({ classify: () => ({ warnings }) }, async (client) => {
    const found = await client.classify(RAW, ["cat"]);
    assert.deepEqual(found.warnings.map(({ field }) => field), ["label_set.labels[0].prompts[0]"]);
  });
});

const CALLS: readonly (readonly [keyof Unary, (client: FramewatchClient) => Promise<unknown>])[] = [
  ["classify", (client) => client.classify(PICTURE, ["cat"])],
  ["similarity", (client) => client.similarity([PICTURE], [])],
  ["embed", (client) => client.embed({ texts: [] })],
  ["listModels", (client) => client.listModels()],
];

for (const [method, call] of CALLS) {
  test(`${method} is attempted again while the server is unavailable`, () => {
    let attempts = 0;
    const answer = () => {
      attempts += 1;
      if (attempts === 1) throw UNAVAILABLE;
      return {};
    };
    return withUnary({ [method]: answer }, async (client) => {
      await call(client);
      assert.equal(attempts, 2);
    });
  });

  test(`${method} is not attempted again after a refusal`, () => {
    let attempts = 0;
    const answer = () => {
      attempts += 1;
      throw callFailure(status.INVALID_ARGUMENT, "wrong", detailsTrailer("INVALID_IMAGE", "images[0]"));
    };
    return withUnary({ [method]: answer }, async (client) => {
      await assert.rejects(call(client), { code: status.INVALID_ARGUMENT, reason: "INVALID_IMAGE" });
      assert.equal(attempts, 1);
    });
  });
}

test("a signal ends a call that waits for its next attempt", () => {
  const abort = new AbortController();
  const embed = () => {
    abort.abort(new RangeError("enough"));
    throw UNAVAILABLE;
  };
  return withUnary({ embed }, async (client) => {
    await assert.rejects(client.embed({ texts: ["a dog"] }, { signal: abort.signal }), RangeError);
  });
});

test("models keep the server's order", () => {
  const models = [{ name: "small", dimension: 128 }, { name: "large", memoryBytes: 2n ** 33n }];
  return withUnary({ listModels: () => ({ models }) }, async (client) => {
    const found = await client.listModels();
    assert.deepEqual(found.map(({ name, memoryBytes }) => [name, memoryBytes]), [["small", 0n], ["large", 2n ** 33n]]);
  });
});
