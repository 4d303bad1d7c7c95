import assert from "node:assert/strict";
import { test } from "node:test";

import { parseRegion } from "../src/regions.js";

const GOOD = [
  ["left=0.06,0.28,0.17,0.62", { id: "left", x: 0.06, y: 0.28, width: 0.17, height: 0.62 }],
  ["a=b=0,.5,1,0.5", { id: "a=b", x: 0, y: 0.5, width: 1, height: 0.5 }],
] as const;

for (const [text, region] of GOOD) {
  test(`region ${text}`, () => assert.deepEqual(parseRegion(text), region));
}

for (const text of ["", "left", "=0,0,1,1", "left=0,0,1", "left=0,0,1,1,1", "left=0,0,1,x", "left=-0.1,0,1,1"]) {
  test(`malformed region: «${text}»`, () => assert.equal(parseRegion(text), undefined));
}
