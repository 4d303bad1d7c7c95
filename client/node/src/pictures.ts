import { readFile } from "node:fs/promises";

import type { Image } from "./gen/framewatch/v1/framewatch_pb.js";
import { image, type ImageInput } from "./requests.js";

/** The path of a JPEG, PNG or WebP file, the bytes of one, or pixels. */
export type PictureInput = string | ImageInput;

/** Reads a picture as the message that is sent. @throws The error of `readFile` when the file can't be read. */
export async function readPicture(picture: PictureInput, signal: AbortSignal | undefined): Promise<Image> {
  return image(typeof picture === "string" ? await readFile(picture, { signal }) : picture);
}

/** Reads several pictures, in their order. */
export async function readPictures(
  pictures: readonly PictureInput[],
  signal: AbortSignal | undefined,
): Promise<Image[]> {
  const images: Image[] = [];
  // One after the other: a thousand files opened at once may be more than a process is allowed.
  for (const picture of pictures) images.push(await readPicture(picture, signal));
  return images;
}
