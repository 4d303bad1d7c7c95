import assert from "node:assert/strict";
import { test } from "node:test";

import { pictureNames } from "../src/folder.js";

test("names are in natural order", () => {
  assert.deepEqual(pictureNames(["f10.jpg", "f9.jpg", "f1.jpg"]), ["f1.jpg", "f9.jpg", "f10.jpg"]);
});

test("names with equal numbers have a fixed order", () => {
  assert.deepEqual(pictureNames(["f1.jpg", "f01.jpg"]), ["f01.jpg", "f1.jpg"]);
  assert.deepEqual(pictureNames(["f01.jpg", "f1.jpg"]), ["f01.jpg", "f1.jpg"]);
});

test("files other than pictures are ignored", () => {
  const names = ["a.JPG", "b.jpeg", "c.png", "d.webp", "e.gif", "jpg", "f.jpg.txt"];
  assert.deepEqual(pictureNames(names), ["a.JPG", "b.jpeg", "c.png", "d.webp"]);
});
