import assert from "node:assert/strict";
import { test } from "node:test";

import { status } from "@grpc/grpc-js";

import { decodeDetails, fromCallFailure, FramewatchCallError } from "../src/errors.js";
import { callFailure, detailsTrailer } from "./server.js";

test("a failed call has code, reason, fields and metadata", () => {
  const trailer = detailsTrailer("INVALID_LABEL_SET", "label_set.labels");
  const error = fromCallFailure(callFailure(status.INVALID_ARGUMENT, "no labels", trailer));
  assert.ok(error instanceof FramewatchCallError);
  assert.equal(error.message, "no labels");
  assert.equal(error.codeName, "INVALID_ARGUMENT");
  assert.equal(error.reason, "INVALID_LABEL_SET");
  assert.equal(error.domain, "framewatch");
  assert.deepEqual(error.fields, [{ field: "label_set.labels", description: "is wrong" }]);
  assert.deepEqual(error.metadata, { maximum: "3" });
});

test("a trailer that is no Status has no details", () => {
  assert.deepEqual(decodeDetails(Buffer.from("garbage")), { fields: [], metadata: {} });
});

test("other errors are returned unchanged", () => {
  const error = new TypeError("mine");
  assert.equal(fromCallFailure(error), error);
});
