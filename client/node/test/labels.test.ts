import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { readLabels, valuesByLabel } from "../src/labels.js";

const VALUES = [
  ["a value", ["cat=a room"], { cat: ["a room"], "a=b": [], a: [] }],
  ["several, in their order", ["cat=x", "a=1", "cat=y"], { cat: ["x", "y"], "a=b": [], a: ["1"] }],
  ["= in the label", ["a=b=c"], { cat: [], "a=b": ["c"], a: [] }],
  ["= in the value", ["cat=b=c"], { cat: ["b=c"], "a=b": [], a: [] }],
  ["unknown label", ["dog=x"], undefined],
  ["no value", ["cat"], undefined],
] as const;

for (const [name, texts, expected] of VALUES) {
  test(`values by label: ${name}`, () => {
    const values = valuesByLabel(["cat", "a=b", "a"], texts);
    assert.deepEqual(values && Object.fromEntries(values), expected);
  });
}

test("examples are read from files, or from folders in natural order", async () => {
  const folder = await mkdtemp(join(tmpdir(), "framewatch-"));
  try {
    for (const [name, byte] of [["10.jpg", 10], ["9.jpg", 9], ["notes.txt", 0]] as const) {
      await writeFile(join(folder, name), new Uint8Array([byte]));
    }
    const pictures = { examples: [`cat=${folder}`], counterExamples: [`cat=${join(folder, "9.jpg")}`] };
    const [label] = (await readLabels(["cat"], { contrast: ["cat=a room"], ...pictures })) ?? [];
    assert.deepEqual(label?.contrastPrompts, ["a room"]);
    assert.deepEqual(label?.examples?.map((bytes) => [...(bytes as Uint8Array)]), [[9], [10]]);
    assert.deepEqual(label?.counterExamples?.map((bytes) => [...(bytes as Uint8Array)]), [[9]]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
