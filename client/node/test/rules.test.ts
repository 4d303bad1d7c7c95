import assert from "node:assert/strict";
import { test } from "node:test";

import { parseRule } from "../src/rules.js";

const GOOD = [
  ["cat:0.7", { label: "cat", enterAt: 0.7, exitBelow: undefined }],
  ["cat:0.7:0.4", { label: "cat", enterAt: 0.7, exitBelow: 0.4 }],
  ["a cat:.7:1", { label: "a cat", enterAt: 0.7, exitBelow: 1 }],
  ["time: noon:0.7", { label: "time: noon", enterAt: 0.7, exitBelow: undefined }],
] as const;

for (const [text, rule] of GOOD) {
  test(`rule ${text}`, () => assert.deepEqual(parseRule(text), rule));
}

for (const text of ["", "cat", "cat:", ":0.5", "cat:high", "cat:-0.5", "cat:0.7:", "cat:1e-1"]) {
  test(`malformed rule: «${text}»`, () => assert.equal(parseRule(text), undefined));
}
