import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

import type { TimedFrame } from "./requests.js";

const PICTURE = /\.(jpe?g|png|webp)$/i;
const natural = new Intl.Collator("en", { numeric: true });

/** The names of JPEG, PNG and WebP files in natural order: `frame2.jpg` before `frame10.jpg`. */
export function pictureNames(names: readonly string[]): string[] {
  // The second comparison decides between `frame1.jpg` and `frame01.jpg`, which are the same number.
  return names.filter((name) => PICTURE.test(name)).sort((a, b) => natural.compare(a, b) || (a < b ? -1 : 1));
}

/** The paths of a folder's pictures in natural order. */
export async function picturesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name);
  return pictureNames(names).map((name) => join(folder, name));
}

/** The path itself if it is a file, or the paths of a folder's pictures in natural order. */
export async function picturesAt(path: string): Promise<string[]> {
  return (await stat(path)).isDirectory() ? picturesIn(path) : [path];
}

/** Reads pictures, each only when it is requested; the time of each is its index divided by `frameRate`. */
export async function* framesOf(paths: readonly string[], frameRate: number): AsyncGenerator<TimedFrame> {
  for (const [index, path] of paths.entries()) {
    yield { image: await readFile(path), frameId: BigInt(index), timeS: index / frameRate };
  }
}
