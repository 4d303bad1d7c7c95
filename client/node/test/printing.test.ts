import assert from "node:assert/strict";
import { test } from "node:test";

import { printable, printableJson, printableMessage } from "../src/printing.js";

const HOSTILE = "\u001b]0;title\u0007\u001b[2J\u009b31m\u007f\b\u202edrawkcab\udcff\u{e0001}";

test("what acts on a terminal is escaped", () => {
  assert.equal(printable("a cat\t👨‍👩‍👧 می‌خواهم\n"), "a cat\t👨‍👩‍👧 می‌خواهم\n");
  assert.equal(printable("\u001b[2J\u009b"), "\\u{1b}[2J\\u{9b}");
  assert.match(printable(HOSTILE), /^[\x20-\x7e]+$/);
});

test("lines of JSON keep their values", () => {
  const shown = printableJson(JSON.stringify({ label: HOSTILE }));
  assert.match(shown, /^[\x20-\x7e]+$/);
  assert.deepEqual(JSON.parse(shown), { label: HOSTILE });
});

test("long messages are cut off", () => {
  assert.equal(printableMessage("x".repeat(1_000_000)).length, 2000);
  assert.equal(printableMessage("short"), "short");
});
