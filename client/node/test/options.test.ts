import assert from "node:assert/strict";
import { test } from "node:test";

import { readCommand, readLabelOptions, readOptions, refuseForeignOptions, UsageError } from "../src/options.js";

const REFUSED = [
  ["classify", "--rule", "a:0.5"],
  ["classify", "--text", "a dog"],
  ["watch", "--text", "a dog"],
  ["embed", "--label", "a dog"],
  ["embed", "--no-template"],
  ["models", "--model", "big"],
  ["models", "--top", "1"],
] as const;

for (const [command, ...options] of REFUSED) {
  test(`${command} has no ${options[0]}`, () => {
    const { values } = readOptions([command, ...options]);
    assert.throws(() => refuseForeignOptions(command, values), new UsageError(`${command} has no ${options[0]}.`));
  });
}

const TAKEN = [
  ["classify", "--label", "a", "--top", "1", "--no-template", "--model", "big"],
  ["watch", "--label", "a", "--rule", "a:0.5", "--region", "l=0,0,1,1", "--model", "big", "--json"],
  ["embed", "--text", "a", "--text", "b", "--model", "big", "--json"],
  ["models", "--server", "127.0.0.1:1", "--json"],
] as const;

for (const [command, ...options] of TAKEN) {
  test(`${command} takes ${options.filter((text) => text.startsWith("--")).join(" ")}`, () =>
    refuseForeignOptions(command, readOptions([command, ...options]).values));
}

for (const word of ["paint", "toString", "", undefined]) {
  test(`unknown command: ${word}`, () => assert.throws(() => readCommand(word), UsageError));
}

test("absent options are left to the server", async () => {
  const { values } = readOptions(["classify", "--label", "a"]);
  const { templates, topCount, model } = await readLabelOptions(values);
  assert.deepEqual([templates, topCount, model], [undefined, 0, undefined]);
});
