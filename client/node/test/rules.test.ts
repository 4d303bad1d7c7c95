import assert from "node:assert/strict";
import { test } from "node:test";

import { parseRule } from "../src/rules.js";

const GOOD = [
  ["cat:0.7", { label: "cat", enterAt: 0.7 }],
  ["cat:0.7:0.4", { label: "cat", enterAt: 0.7, exitBelow: 0.4 }],
  ["cat:0.7:0.4:0", { label: "cat", enterAt: 0.7, exitBelow: 0.4, minPresentS: 0 }],
  ["cat:0.7:0.4:1.5:20", { label: "cat", enterAt: 0.7, exitBelow: 0.4, minPresentS: 1.5, minAbsentS: 20 }],
  ["a cat:.7:1", { label: "a cat", enterAt: 0.7, exitBelow: 1 }],
  ["time: noon:0.7", { label: "time: noon", enterAt: 0.7 }],
  ["at 12:30:0.8:0.5:0:0", { label: "at 12:30", enterAt: 0.8, exitBelow: 0.5, minPresentS: 0, minAbsentS: 0 }],
] as const;

for (const [text, rule] of GOOD) {
  const missing = { exitBelow: undefined, minPresentS: undefined, minAbsentS: undefined };
  test(`rule ${text}`, () => assert.deepEqual(parseRule(text), { ...missing, ...rule }));
}

for (const text of ["", "cat", "cat:", ":0.5", "cat:high", "cat:-0.5", "cat:0.7:", "cat:1e-1"]) {
  test(`malformed rule: «${text}»`, () => assert.equal(parseRule(text), undefined));
}
