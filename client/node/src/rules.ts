import type { Rule } from "./config.js";

const NUMBER = String.raw`\d*\.?\d+`;
const RULE = new RegExp(`^(?<label>.+?):(?<enterAt>${NUMBER})(?::(?<exitBelow>${NUMBER}))?$`, "s");

/**
 * Reads `label:enter` or `label:enter:exit`, such as `a cat:0.7:0.4`; the label may contain colons.
 *
 * The server checks the ranges of the numbers.
 *
 * @returns The rule, or undefined when the text is not of that form.
 */
export function parseRule(text: string): Rule | undefined {
  const parts = RULE.exec(text)?.groups;
  if (parts?.label === undefined) return undefined;
  const exitBelow = parts.exitBelow === undefined ? undefined : Number(parts.exitBelow);
  return { label: parts.label, enterAt: Number(parts.enterAt), exitBelow };
}
