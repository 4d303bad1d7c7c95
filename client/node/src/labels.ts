import { readFile } from "node:fs/promises";

import { picturesAt } from "./folder.js";
import type { LabelSpec } from "./requests.js";

/** Options about labels, each as `label=value`; a value is a text, or the path of an image or of a folder of images. */
export interface LabelFacts {
  readonly contrast: readonly string[];
  readonly examples: readonly string[];
  readonly counterExamples: readonly string[];
}

/**
 * Groups texts of the form `label=value` by label; labels and values may contain `=`.
 *
 * @returns Undefined when a text names none of the labels.
 */
export function valuesByLabel(
  names: readonly string[],
  texts: readonly string[],
): ReadonlyMap<string, readonly string[]> | undefined {
  const values = new Map<string, string[]>(names.map((name) => [name, []]));
  for (const text of texts) {
    // The longest label wins: `a=b=c` belongs to the label `a=b` if there is one.
    const fitting = names.filter((name) => text.startsWith(`${name}=`)).sort((a, b) => b.length - a.length);
    if (fitting[0] === undefined) return undefined;
    values.get(fitting[0])?.push(text.slice(fitting[0].length + 1));
  }
  return values;
}

/** Reads labels with their contrasts and examples. @returns Undefined when an option names an unknown label. */
export async function readLabels(names: readonly string[], facts: LabelFacts): Promise<LabelSpec[] | undefined> {
  const contrast = valuesByLabel(names, facts.contrast);
  const examples = valuesByLabel(names, facts.examples);
  const counterExamples = valuesByLabel(names, facts.counterExamples);
  if (!contrast || !examples || !counterExamples) return undefined;
  return Promise.all(
    names.map(async (name) => ({
      name,
      contrastPrompts: contrast.get(name),
      examples: await picturesOf(examples.get(name)),
      counterExamples: await picturesOf(counterExamples.get(name)),
    })),
  );
}

async function picturesOf(paths: readonly string[] = []): Promise<Uint8Array[]> {
  const found = (await Promise.all(paths.map(picturesAt))).flat();
  return Promise.all(found.map((path) => readFile(path)));
}
