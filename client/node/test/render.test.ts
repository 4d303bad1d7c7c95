import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";

import {
  EventKind,
  EventSchema,
  ExplanationSchema,
  FrameResultSchema,
  HealthProblem,
  HeldBackBy,
  LabelScoreSchema,
} from "../src/gen/framewatch/v1/framewatch_pb.js";
import { eventLine, explanationLines, resultLine, scoreLines } from "../src/render.js";
import { duration } from "../src/requests.js";

const SCORE = { label: "a cat", probability: 0.75 };
const MOMENTS = { frameId: 12n, timeOffset: duration(0.48), beganTimeOffset: duration(0.32) };

test("a score without presence has none, one of 0 has 0", () => {
  const scores = [SCORE, { ...SCORE, presence: 0 }].map((score) => create(LabelScoreSchema, score));
  assert.equal(scoreLines(scores), "0.750 a cat\n0.750 a cat  presence 0.000");
});

test("a result tells its regions, and what is wrong with their pictures", () => {
  const regions = [
    { regionId: "left", scores: [{ ...SCORE, presence: 0.5 }] },
    { regionId: "right", scores: [SCORE], problem: HealthProblem.BLACK, suspended: true },
  ];
  const result = create(FrameResultSchema, { ...MOMENTS, outcome: { case: "scores", value: { regions } } });
  assert.equal(
    resultLine(result),
    "frame 12  0.480 s  [left]  a cat 0.750  presence 0.500  [right]  a cat 0.750  BLACK  (rules suspended)",
  );
});

const EVENTS = [
  [
    { ...MOMENTS, kind: EventKind.ENTERED, label: "a cat", ruleId: "cat", score: 0.75 },
    "ENTERED a cat  frame 12  0.480 s  since 0.320 s  score 0.750  (rule cat)",
  ],
  [
    { ...MOMENTS, kind: EventKind.EXITED, label: "a cat", region: "left", ruleId: "cat", score: 0.25, sparse: true },
    "EXITED a cat [left]  frame 12  0.480 s  since 0.320 s  score 0.250  (rule cat)  (frames were missing)",
  ],
  [
    { ...MOMENTS, kind: EventKind.SUSPENDED, problem: HealthProblem.FROZEN },
    "SUSPENDED  frame 12  0.480 s  since 0.320 s  FROZEN",
  ],
  [{ ...MOMENTS, kind: EventKind.RESUMED, region: "left" }, "RESUMED [left]  frame 12  0.480 s  since 0.320 s"],
  [{ ...MOMENTS, kind: 99 as EventKind, region: "left" }, "99 [left]  frame 12  0.480 s  since 0.320 s"],
] as const;

for (const [event, line] of EVENTS) {
  test(`event: ${line}`, () => assert.equal(eventLine(create(EventSchema, event)), line));
}

test("an explanation has a line per rule", () => {
  const rules = [
    { ruleId: "cat", nextKind: EventKind.ENTERED, heldBackBy: HeldBackBy.THRESHOLD, message: "0.4 of 0.5" },
    { ruleId: "dog", nextKind: EventKind.EXITED, heldBackBy: HeldBackBy.MIN_TIME, message: "1 s of 2 s" },
  ];
  assert.equal(
    explanationLines(create(ExplanationSchema, { rules })),
    "rule cat waits for ENTERED: THRESHOLD: 0.4 of 0.5\nrule dog waits for EXITED: MIN_TIME: 1 s of 2 s",
  );
});
