import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";

import {
  EventKind,
  ExitReason,
  EventSchema,
  ExplanationSchema,
  FrameResultSchema,
  HealthEventKind,
  HealthEventSchema,
  HealthProblem,
  HeldBackBy,
  LabelScoreSchema,
  ModelSchema,
  ScoreFunction,
  WarningSchema,
} from "../src/gen/framewatch/v1/framewatch_pb.js";
import {
  eventLine,
  explanationLines,
  healthEventLine,
  modelLine,
  resultLine,
  scoreLines,
  vectorLine,
  warningLine,
} from "../src/render.js";
import { duration } from "../src/requests.js";

const SCORE = { label: "a cat", probability: 0.75 };
const MOMENTS = { frameId: 12n, timeOffset: duration(0.48), beganTimeOffset: duration(0.32) };

test("an absent presence is not printed, one of 0 is", () => {
  const scores = [SCORE, { ...SCORE, presence: 0 }].map((score) => create(LabelScoreSchema, score));
  assert.equal(scoreLines(scores), "0.750 a cat\n0.750 a cat  presence 0.000");
});

test("a result's line has regions with scores and problems", () => {
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
    { ...MOMENTS, kind: EventKind.EXITED, label: "a cat", regionId: "left", ruleId: "cat", score: 0.25, sparse: true },
    "EXITED a cat [left]  frame 12  0.480 s  since 0.320 s  score 0.250  (rule cat)  (frames were missing)",
  ],
  [
    { ...MOMENTS, kind: EventKind.EXITED, label: "a cat", ruleId: "cat", exitReason: ExitReason.RECONFIGURED },
    "EXITED a cat  frame 12  0.480 s  since 0.320 s  score 0.000  (rule cat)  (the rule was changed)",
  ],
] as const;

for (const [event, line] of EVENTS) {
  test(`event: ${line}`, () => assert.equal(eventLine(create(EventSchema, event)), line));
}

const HEALTH_EVENTS = [
  [
    { ...MOMENTS, kind: HealthEventKind.SUSPENDED, problem: HealthProblem.FROZEN },
    "SUSPENDED  frame 12  0.480 s  since 0.320 s  FROZEN",
  ],
  [
    { ...MOMENTS, kind: HealthEventKind.RESUMED, regionId: "left", problem: HealthProblem.NONE },
    "RESUMED [left]  frame 12  0.480 s  since 0.320 s",
  ],
  [{ ...MOMENTS, kind: 99 as HealthEventKind, regionId: "left" }, "99 [left]  frame 12  0.480 s  since 0.320 s"],
] as const;

for (const [event, line] of HEALTH_EVENTS) {
  test(`health event: ${line}`, () => assert.equal(healthEventLine(create(HealthEventSchema, event)), line));
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

const MODEL = {
  name: "small",
  family: "clip",
  imageWidth: 224,
  imageHeight: 196,
  dimension: 512,
  device: "cuda:0",
  dtype: "float16",
  engine: "torch",
  scoreFunction: ScoreFunction.SOFTMAX,
  maxTextTokens: 77,
  weightsDigest: "0123456789abcdef",
  memoryBytes: 3n * 2n ** 20n,
};
const MODEL_LINE =
  "small  clip  224×196 pixels  512 numbers  float16 on cuda:0 (torch)  softmax  77 tokens  3 MiB  " +
  "weights 0123456789abcdef";

const MODELS = [
  ["one of several", MODEL, false, MODEL_LINE],
  ["the default", MODEL, true, `${MODEL_LINE}  (default)`],
  ["with a revision of the hub", { ...MODEL, revision: "f00d" }, false, `${MODEL_LINE}  revision f00d`],
  ["without a known memory size", { ...MODEL, memoryBytes: 0n }, false, MODEL_LINE.replace("3 MiB  ", "")],
  ["the demo model", { ...MODEL, demo: true }, true, `${MODEL_LINE}  (demo)  (default)`],
  [
    "with a score function of a later version",
    { ...MODEL, scoreFunction: 9 as ScoreFunction },
    false,
    MODEL_LINE.replace("softmax", "9"),
  ],
] as const;

for (const [name, model, isDefault, line] of MODELS) {
  test(`a model: ${name}`, () => assert.equal(modelLine(create(ModelSchema, model), isDefault), line));
}

test("the numbers of a vector's line equal the 32-bit numbers", () => {
  const vector = Float32Array.from([1 / 3, -1e-7, 1, 16777217, 0.1]);
  const line = vectorLine({ path: 'a "door".jpg' }, vector);
  assert.ok(line.startsWith('{"path":"a \\"door\\".jpg","vector":[0.333333343,'), line);
  assert.deepEqual(Float32Array.from((JSON.parse(line) as { vector: number[] }).vector), vector);
  assert.equal(vectorLine({ text: "a dog" }, Float32Array.from([0.5])), '{"text":"a dog","vector":[0.5]}');
});

test("a warning's line has its field, if there is one", () => {
  const warning = { reason: "TEXT_TRUNCATED", message: "99 tokens of 77", field: "texts[0]" };
  assert.equal(warningLine(create(WarningSchema, warning)), "warning: TEXT_TRUNCATED: 99 tokens of 77 (texts[0])");
  assert.equal(warningLine(create(WarningSchema, { reason: "LATER", message: "so" })), "warning: LATER: so");
});
