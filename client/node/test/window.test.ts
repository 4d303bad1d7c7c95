import assert from "node:assert/strict";
import { test } from "node:test";

import { InFlightWindow } from "../src/window.js";

test("as many frames as the capacity enter at once, the next when one leaves", async () => {
  const window = new InFlightWindow(2);
  await window.enter();
  await window.enter();
  let entered = false;
  const third = window.enter().then(() => (entered = true));
  await Promise.resolve();
  assert.equal(entered, false);
  window.leave();
  await third;
  assert.equal(window.count, 2);
});

test("leaving decreases the count", async () => {
  const window = new InFlightWindow(3);
  await window.enter();
  await window.enter();
  window.leave();
  assert.equal(window.count, 1);
});

test("a surplus answer makes no room", async () => {
  const window = new InFlightWindow(1);
  window.leave();
  assert.equal(window.count, 0);
});

test("a capacity of 0 admits one frame", async () => {
  const window = new InFlightWindow(0);
  await window.enter();
  assert.equal(window.count, 1);
});
