import { readFile } from "node:fs/promises";

import { status } from "@grpc/grpc-js";

import type { FramewatchClient } from "./client.js";
import { FramewatchError } from "./errors.js";
import type { Embeddings } from "./vectors.js";

/** What goes in one call: enough pictures for the server's batches, and far less than its largest message. */
const MAX_IMAGES = 32;
const MAX_BYTES = 16 * 1024 * 1024;
/** A large model without a GPU takes seconds for a picture. */
const TIMEOUT_MS = 300_000;

/** The pictures and texts of one call; a picture has the path that it was read from. */
export interface Batch {
  readonly paths: readonly string[];
  readonly images: readonly Uint8Array[];
  readonly texts: readonly string[];
}

/** Reads pictures as they are asked for, so that few are in memory; the texts come with the last of them. */
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

/** Embeds one batch after the other. @throws FramewatchError, which names the picture by its path. */
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
    throw error instanceof FramewatchError ? withPaths(error, batch.paths) : error;
  }
}

/** `images[3]` is the place in the call, which whoever named a folder can't know. */
function withPaths(error: FramewatchError, paths: readonly string[]): FramewatchError {
  const fields = error.fields.map(({ field, description }) => {
    const path = paths[Number(/^images\[(\d+)\]/.exec(field)?.[1])];
    return { field: path ?? field, description };
  });
  const { reason, domain, metadata } = error;
  return new FramewatchError(error.code, error.message, { reason, domain, fields, metadata }, { cause: error });
}

function weightsChanged(before: string, now: string): FramewatchError {
  const change = `the server's model has changed from weights ${before} to ${now}`;
  return new FramewatchError(status.ABORTED, `${change}, whose vectors can't be compared; embed everything again`);
}
