import type { Rule } from "./config.js";

const NUMBER = String.raw`\d*\.?\d+`;
const RULE = new RegExp(`^(?<label>.+?)(?<numbers>(?::${NUMBER}){1,4})$`, "s");

/**
 * Reads `label:enter[:exit[:minPresentS[:minAbsentS]]]`, such as `a cat:0.7:0.4`; the label may contain colons.
 *
 * Times that are missing are the server's defaults, 0.3 s. The server checks the ranges of the numbers.
 *
 * @returns The rule, or undefined when the text is not of that form.
 */
export function parseRule(text: string): Rule | undefined {
  const parts = RULE.exec(text)?.groups;
  if (parts?.label === undefined) return undefined;
  const [enterAt, exitBelow, minPresentS, minAbsentS] = (parts.numbers ?? "").split(":").slice(1).map(Number);
  if (enterAt === undefined) return undefined;
  return { label: parts.label, enterAt, exitBelow, minPresentS, minAbsentS };
}
