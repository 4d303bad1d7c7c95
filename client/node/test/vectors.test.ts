import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";

import { EmbedResponseSchema, SimilarityResponseSchema } from "../src/gen/framewatch/v1/framewatch_pb.js";
import { embeddings, floats, similarities } from "../src/vectors.js";

// 1, -2 and 0.1 as binary32, the lowest byte first.
const BYTES = [0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xc0, 0xcd, 0xcc, 0xcc, 0x3d];
const NUMBERS = [1, -2, Math.fround(0.1)];

for (const offset of [0, 1, 2, 3, 4]) {
  test(`little-endian numbers, ${offset} bytes into their buffer`, () => {
    const buffer = Uint8Array.from([...Array<number>(offset).fill(0xff), ...BYTES, 0xff]);
    assert.deepEqual([...floats(buffer.subarray(offset, offset + BYTES.length))], NUMBERS);
  });
}

test("no bytes are read as no numbers", () => assert.equal(floats(new Uint8Array()).length, 0));

test("every image and every text has its vector, with memory of its own", () => {
  const vectors = { dimension: 1, imageVectors: Uint8Array.from(BYTES), textVectors: Uint8Array.from(BYTES.slice(4)) };
  const response = create(EmbedResponseSchema, { ...vectors, model: "demo", weightsDigest: "abcd" });
  const { imageVectors, textVectors, dimension, model, weightsDigest } = embeddings(response, 3, 2);
  assert.deepEqual(imageVectors.map((vector) => [...vector]), NUMBERS.map((number) => [number]));
  assert.deepEqual(textVectors.map((vector) => [...vector]), NUMBERS.slice(1).map((number) => [number]));
  assert.deepEqual([dimension, model, weightsDigest], [1, "demo", "abcd"]);
  assert.deepEqual(imageVectors.map((vector) => vector.buffer.byteLength), [4, 4, 4]);
});

const WRONG = [
  ["no image was requested", 3, 0, 0],
  ["fewer vectors than images", 3, 2, 0],
  ["half a vector", 2, 1, 0],
  ["no vector of a text", 3, 1, 1],
  ["no dimension", 0, 1, 0],
] as const;

for (const [name, dimension, imageCount, textCount] of WRONG) {
  test(`a response with other vectors than requested is refused: ${name}`, () => {
    const response = create(EmbedResponseSchema, { dimension, imageVectors: Uint8Array.from(BYTES) });
    assert.throws(() => embeddings(response, imageCount, textCount), { reason: "INVALID_RESPONSE", message: /expected/ });
  });
}

test("there is a row of cosines per query", () => {
  const response = create(SimilarityResponseSchema, { similarities: [1, 0.5, 0.25, -1, 0, 0.75] });
  const { rows } = similarities(response, 2, 3);
  assert.deepEqual(rows.map((row) => [...row]), [[1, 0.5, 0.25], [-1, 0, 0.75]]);
});

test("a response with too few cosines is refused", () => {
  const response = create(SimilarityResponseSchema, { similarities: [1] });
  assert.throws(() => similarities(response, 2, 1), { reason: "INVALID_RESPONSE", message: /2 × 1/ });
});
