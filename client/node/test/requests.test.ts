import assert from "node:assert/strict";
import { test } from "node:test";

import { PixelFormat } from "../src/gen/framewatch/v1/framewatch_pb.js";
import { duration, frame, image, labelSet, seconds } from "../src/requests.js";

const DURATIONS = [
  [0, 0n, 0],
  [1.5, 1n, 500_000_000],
  [0.1, 0n, 100_000_000],
  [0.9999999999, 1n, 0],
  [-1.25, -1n, -250_000_000],
] as const;

for (const [value, whole, nanos] of DURATIONS) {
  test(`${value} s as a Duration`, () => {
    const { seconds: found, nanos: foundNanos } = duration(value);
    assert.deepEqual([found, foundNanos], [whole, nanos]);
  });
}

test("a Duration converts back to seconds", () => assert.equal(seconds(duration(12.345)), 12.345));
test("an absent Duration is 0 s", () => assert.equal(seconds(undefined), 0));

test("absent templates and an empty list of them differ", () => {
  assert.equal(labelSet({ labels: ["cat"] }).templates, undefined);
  assert.deepEqual(labelSet({ labels: ["cat"], templates: [] }).templates?.templates, []);
});

test("labels keep their order and their prompts", () => {
  const { labels } = labelSet({ labels: ["cat", { name: "dog", prompts: ["a good dog"] }] });
  assert.deepEqual(labels.map(({ name, prompts }) => [name, prompts]), [["cat", []], ["dog", ["a good dog"]]]);
});

test("a label has contrast prompts, and examples of both kinds of image", () => {
  const raw = { data: new Uint8Array(3), width: 1, height: 1, pixelFormat: PixelFormat.RGB24 };
  const pictures = { examples: [new Uint8Array([1]), raw], counterExamples: [raw] };
  const cat = { name: "cat", contrastPrompts: ["a room"], ...pictures };
  const [label] = labelSet({ labels: [cat] }).labels;
  assert.deepEqual(label?.contrastPrompts, ["a room"]);
  assert.deepEqual(label?.examples.map(({ content }) => content.case), ["encoded", "raw"]);
  assert.deepEqual(label?.counterExamples.map(({ content }) => content.case), ["raw"]);
});

test("bytes are an encoded image, anything else is raw pixels", () => {
  assert.equal(image(new Uint8Array(3)).content.case, "encoded");
  assert.equal(image({ data: new Uint8Array(3), width: 1, height: 1 }).content.case, "raw");
});

test("a frame's own id precedes the next id", () => {
  assert.equal(frame(new Uint8Array(3), 7n).frameId, 7n);
  assert.equal(frame({ image: new Uint8Array(3), frameId: 9n }, 7n).frameId, 9n);
});

test("an absent time is not sent, a time of 0 s is", () => {
  assert.equal(frame(new Uint8Array(3), 0n).timeOffset, undefined);
  assert.equal(frame({ image: new Uint8Array(3), timeS: 0 }, 0n).timeOffset?.seconds, 0n);
});
