import { readFile } from "node:fs/promises";

import { picturesAt } from "./folder.js";
import type { LabelSpec } from "./requests.js";

/** What was said of labels, as `label=value` each; a value is a text, or the path of a picture or a folder of them. */
export interface LabelFacts {
  readonly contrast: readonly string[];
  readonly examples: readonly string[];
  readonly counterExamples: readonly string[];
}

/**
 * The values that each label has in `label=value`; both may have `=` in them.
 *
 * @returns Undefined when a text names none of the labels.
 */
export function valuesByLabel(
  names: readonly string[],
  texts: readonly string[],
): ReadonlyMap<string, readonly string[]> | undefined {
  const values = new Map<string, string[]>(names.map((name) => [name, []]));
  for (const text of texts) {
    // The longest: «a=b=c» is of the label «a=b» if there is one.
    const fitting = names.filter((name) => text.startsWith(`${name}=`)).sort((a, b) => b.length - a.length);
    if (fitting[0] === undefined) return undefined;
    values.get(fitting[0])?.push(text.slice(fitting[0].length + 1));
  }
  return values;
}

/** The labels with what was said of them; undefined when something was said of a label that is none. */
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
