import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";

import type { ResumePoint } from "../src/config.js";
import { EventSchema, FrameResultSchema, StreamStartedSchema } from "../src/gen/framewatch/v1/framewatch_pb.js";
import { ResumeTracker } from "../src/resume.js";

const FROM = { token: "old", lastFrameId: 7n, lastEventId: "e3" };
const result = create(FrameResultSchema, { frameId: 9n });
const event = create(EventSchema, { eventId: "e4", frameId: 9n });

function started(resumeToken: string, resumed = false) {
  return create(StreamStartedSchema, { resumeToken, resumed });
}

function pointOf(tracker: ResumeTracker) {
  const point = tracker.point();
  return point && [point.token, point.lastFrameId, point.lastEventId];
}

const STARTS: readonly (readonly [string, ResumePoint | undefined, ReturnType<typeof started>, unknown, bigint])[] = [
  ["a new stream", undefined, started("new"), ["new", undefined, ""], 0n],
  ["a stream that resumes", FROM, started("new", true), ["new", 7n, "e3"], 8n],
  ["a stream that starts anew has new events, but continues the frame ids", FROM, started("new"), ["new", 7n, ""], 8n],
  ["a stream that resumes before any result", { token: "old" }, started("new", true), ["new", undefined, ""], 0n],
  ["a server that can't resume", undefined, started(""), undefined, 0n],
];

for (const [name, from, answer, point, nextFrameId] of STARTS) {
  test(`resume point: ${name}`, () => {
    const tracker = new ResumeTracker(from);
    tracker.started(answer);
    assert.deepEqual(pointOf(tracker), point);
    assert.equal(tracker.nextFrameId, nextFrameId);
  });
}

test("before the server's answer the point is the given one", () => {
  assert.deepEqual(pointOf(new ResumeTracker(FROM)), ["old", 7n, "e3"]);
  assert.equal(new ResumeTracker().point(), undefined);
});

test("results and events advance the point, and a point that was read stays unchanged", () => {
  const tracker = new ResumeTracker();
  tracker.started(started("new"));
  tracker.received(result);
  const before = tracker.point();
  tracker.received(event);
  assert.deepEqual([before?.lastFrameId, before?.lastEventId], [9n, ""]);
  assert.deepEqual(pointOf(tracker), ["new", 9n, "e4"]);
});
