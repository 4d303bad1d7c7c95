import type { RegionInput } from "./config.js";

const NUMBER = String.raw`(\d*\.?\d+)`;
const REGION = new RegExp(`^(.+)=${NUMBER},${NUMBER},${NUMBER},${NUMBER}$`, "s");

/**
 * Reads `id=x,y,width,height` in fractions of the frame, such as `left=0.06,0.28,0.17,0.62`.
 *
 * The server checks that it lies within the frame.
 *
 * @returns The region, or undefined when the text is not of that form.
 */
export function parseRegion(text: string): RegionInput | undefined {
  const parts = REGION.exec(text);
  if (parts === null) return undefined;
  const [x, y, width, height] = parts.slice(2).map(Number);
  return { id: parts[1], x, y, width, height };
}
