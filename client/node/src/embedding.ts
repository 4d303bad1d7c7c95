import { readFile } from "node:fs/promises";

import type { FramewatchClient } from "./client.js";
import { FramewatchCallError, FramewatchError } from "./errors.js";
import type { Embeddings } from "./vectors.js";

/** Limits of one call: enough images to fill the server's batches, and far less than its largest message. */
const MAX_IMAGES = 32;
const MAX_BYTES = 16 * 1024 * 1024;
/** A large model without a GPU takes seconds for an image. */
const TIMEOUT_MS = 300_000;

/** The images and texts of one call; each image has the path that it was read from. */
export interface Batch {
  readonly paths: readonly string[];
  readonly images: readonly Uint8Array[];
  readonly texts: readonly string[];
}

/** Reads images as they are requested, so that few are in memory; the texts come with the last batch. */
export async function* batchesOf(
  paths: readonly string[],
  texts: readonly string[],
  { maxImages = MAX_IMAGES, maxBytes = MAX_BYTES } = {},
): AsyncGenerator<Batch> {
  let images: Uint8Array[] = [];
  let begin = 0;
  let size = 0;
  for (const [index, path] of paths.entries()) {
    const bytes = await readFile(path);
    if (images.length === maxImages || (images.length > 0 && size + bytes.length > maxBytes)) {
      yield { paths: paths.slice(begin, index), images, texts: [] };
      [images, begin, size] = [[], index, 0];
    }
    images.push(bytes);
    size += bytes.length;
  }
  yield { paths: paths.slice(begin), images, texts };
}

/** Embeds one batch after the other. @throws FramewatchCallError, which names the image by its path. */
export async function* embedBatches(
  client: FramewatchClient,
  batches: AsyncIterable<Batch>,
  model: string | undefined,
): AsyncGenerator<{ batch: Batch; found: Embeddings }> {
  let digest: string | undefined;
  for await (const batch of batches) {
    const found = await embedBatch(client, batch, model);
    digest ??= found.weightsDigest;
    if (found.weightsDigest !== digest) throw weightsChanged(digest, found.weightsDigest);
    yield { batch, found };
  }
}

async function embedBatch(client: FramewatchClient, batch: Batch, model: string | undefined): Promise<Embeddings> {
  try {
    return await client.embed(batch, { model, timeoutMs: TIMEOUT_MS });
  } catch (error) {
    throw error instanceof FramewatchCallError ? withPaths(error, batch.paths) : error;
  }
}

/** Replaces `images[3]`, a position in the call that the user of a folder can't know, by the path. */
function withPaths(error: FramewatchCallError, paths: readonly string[]): FramewatchCallError {
  const fields = error.fields.map(({ field, description }) => {
    const path = paths[Number(/^images\[(\d+)\]/.exec(field)?.[1])];
    return { field: path ?? field, description };
  });
  const { reason, domain, metadata } = error;
  return new FramewatchCallError(error.code, error.message, { reason, domain, fields, metadata }, { cause: error });
}

function weightsChanged(before: string, now: string): FramewatchError {
  const change = `the server's model has changed from weights ${before} to ${now}`;
  return new FramewatchError(`${change}, whose vectors can't be compared; embed everything again`, "WEIGHTS_CHANGED");
}
