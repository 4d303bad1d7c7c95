import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";

import { status } from "@grpc/grpc-js";

import { type Batch, batchesOf, embedBatches } from "../src/embedding.js";
import { FramewatchCallError } from "../src/index.js";
import { callFailure, detailsTrailer, withUnary } from "./server.js";

/** Runs the test with files of the given sizes in bytes; their names are their indexes. */
async function withFiles(sizes: readonly number[], run: (paths: string[]) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "framewatch-"));
  const paths = sizes.map((_, index) => join(folder, String(index)));
  try {
    await Promise.all(paths.map((path, index) => writeFile(path, new Uint8Array(sizes[index] ?? 0))));
    await run(paths);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

const BATCHES = [
  ["texts alone", [], [[]]],
  ["as many pictures as fit", [1, 1, 1], [["0", "1", "2"]]],
  ["one picture more", [1, 1, 1, 1], [["0", "1", "2"], ["3"]]],
  ["as many bytes as fit", [5, 5, 1], [["0", "1"], ["2"]]],
  ["pictures larger than a batch", [11, 1, 11], [["0"], ["1"], ["2"]]],
] as const;

for (const [name, sizes, expected] of BATCHES) {
  test(`batches: ${name}`, () =>
    withFiles(sizes, async (paths) => {
      const batches = await collect(batchesOf(paths, ["a dog"], { maxImages: 3, maxBytes: 10 }));
      assert.deepEqual(batches.map((batch) => batch.paths.map((path) => basename(path))), expected);
      assert.deepEqual(
        batches.flatMap(({ images }) => images.map(({ length }) => length)),
        sizes,
      );
      assert.deepEqual(batches.flatMap(({ texts }) => texts), ["a dog"]);
      assert.deepEqual(batches.at(-1)?.texts, ["a dog"]);
    }));
}

const PICTURE = new Uint8Array([1]);

async function* batches(): AsyncGenerator<Batch> {
  yield { paths: ["a.jpg"], images: [PICTURE], texts: [] };
  yield { paths: ["b.jpg", "c.jpg"], images: [PICTURE, PICTURE], texts: ["a dog"] };
}

const FIELDS = [
  ["images[1]", "c.jpg"],
  ["images[0].encoded", "b.jpg"],
  ["texts[0]", "texts[0]"],
  ["images[7]", "images[7]"],
] as const;

for (const [field, path] of FIELDS) {
  test(`an error of ${field} is reported for ${path}`, () => {
    let calls = 0;
    const embed = () => {
      calls += 1;
      if (calls === 1) return { dimension: 1, imageVectors: new Uint8Array(4) };
      throw callFailure(status.INVALID_ARGUMENT, "no picture", detailsTrailer("INVALID_IMAGE", field));
    };
    return withUnary({ embed }, async (client) => {
      await assert.rejects(collect(embedBatches(client, batches(), undefined)), (error) => {
        assert.ok(error instanceof FramewatchCallError);
        assert.deepEqual([error.reason, error.fields[0]?.field, error.metadata.maximum], ["INVALID_IMAGE", path, "3"]);
        return true;
      });
    });
  });
}

test("a change of weights between batches is refused", () => {
  const digests = ["abcd", "ef01"];
  const embed = ({ images, texts }: { images: unknown[]; texts: unknown[] }) => ({
    dimension: 1,
    imageVectors: new Uint8Array(4 * images.length),
    textVectors: new Uint8Array(4 * texts.length),
    weightsDigest: digests.shift(),
  });
  return withUnary({ embed }, async (client) => {
    await assert.rejects(collect(embedBatches(client, batches(), undefined)), /from weights abcd to ef01/);
  });
});
