import { readFile } from "node:fs/promises";

import type { Image } from "./gen/framewatch/v1/framewatch_pb.js";
import { image, type ImageInput } from "./requests.js";

/** The path of a JPEG, PNG or WebP file, the bytes of one, or pixels. */
export type PictureInput = string | ImageInput;

/** The picture as it is sent. @throws What `readFile` throws when the file can't be read. */
export async function readPicture(picture: PictureInput, signal: AbortSignal | undefined): Promise<Image> {
  return image(typeof picture === "string" ? await readFile(picture, { signal }) : picture);
}

/** The pictures in their order. */
export async function readPictures(
  pictures: readonly PictureInput[],
  signal: AbortSignal | undefined,
): Promise<Image[]> {
  const images: Image[] = [];
  // One after the other: a thousand files opened at once may be more than a process is allowed.
  for (const picture of pictures) images.push(await readPicture(picture, signal));
  return images;
}
