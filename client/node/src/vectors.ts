import { InvalidResponseError } from "./errors.js";
import type { EmbedResponse, SimilarityResponse, Timings, Warning } from "./gen/framewatch/v1/framewatch_pb.js";

const FLOAT_BYTES = 4;

/** Vectors of images and texts in one space: all have length 1, so the dot product of any two is their cosine. */
export interface Embeddings {
  /** One per image, in the order given; `dimension` numbers each. */
  readonly imageVectors: readonly Float32Array[];
  /** One per text, in the order given; `dimension` numbers each. */
  readonly textVectors: readonly Float32Array[];
  /** The length of a vector, in numbers. */
  readonly dimension: number;
  /** The model that answered. */
  readonly model: string;
  /** Identifies the model's weights: vectors of other weights can't be compared with these. */
  readonly weightsDigest: string;
  /** Likely mistakes in the request, such as a truncated text; the first 20. */
  readonly warnings: readonly Warning[];
  /** The time spent on the images. */
  readonly timings: Timings | undefined;
}

/** Cosines of images with other images. */
export interface Similarities {
  /** One row per query, in the order given, with a cosine in [-1, 1] per candidate; 1 for the same image. */
  readonly rows: readonly Float32Array[];
  /** The model that answered. */
  readonly model: string;
  /** The time spent on all images. */
  readonly timings: Timings | undefined;
}

/** @throws InvalidResponseError when there are more or fewer vectors than were asked for. */
export function embeddings(response: EmbedResponse, imageCount: number, textCount: number): Embeddings {
  const { dimension, model, weightsDigest, warnings, timings } = response;
  const imageVectors = rowsOf(floats(response.imageVectors), imageCount, dimension, "numbers for images");
  const textVectors = rowsOf(floats(response.textVectors), textCount, dimension, "numbers for texts");
  return { imageVectors, textVectors, dimension, model, weightsDigest, warnings, timings };
}

/** @throws InvalidResponseError when there are more or fewer cosines than were asked for. */
export function similarities(response: SimilarityResponse, queryCount: number, candidateCount: number): Similarities {
  const values = Float32Array.from(response.similarities);
  const rows = rowsOf(values, queryCount, candidateCount, "similarities");
  return { rows, model: response.model, timings: response.timings };
}

/**
 * Reads little-endian binary32 numbers.
 *
 * A view of the bytes as Float32Array would need them at a multiple of 4, and read them in this machine's byte order.
 */
export function floats(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Math.floor(bytes.byteLength / FLOAT_BYTES);
  return Float32Array.from({ length }, (_, index) => view.getFloat32(index * FLOAT_BYTES, true));
}

function rowsOf(values: Float32Array, rowCount: number, width: number, what: string): Float32Array[] {
  if (values.length !== rowCount * width) {
    const expected = `${rowCount} × ${width} ${what} were expected`;
    throw new InvalidResponseError(`the server sent ${values.length}; ${expected}`);
  }
  return Array.from({ length: rowCount }, (_, row) => values.slice(row * width, (row + 1) * width));
}
