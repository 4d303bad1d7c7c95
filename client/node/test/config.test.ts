import assert from "node:assert/strict";
import { test } from "node:test";

import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";

import { type ConfigOptions, type Rule, streamConfig } from "../src/config.js";
import { HealthProblem, ResumeSchema, ScoreKind, StreamConfigSchema } from "../src/gen/framewatch/v1/framewatch_pb.js";

/** The config as protobuf JSON, without the labels, which are the same in all tests. */
function json(options: Omit<ConfigOptions, "labels">): JsonValue {
  const { labelSet: _, ...rest } = toJson(StreamConfigSchema, streamConfig({ labels: ["cat"], ...options })) as {
    labelSet: JsonValue;
  };
  return rest;
}

const RULE: Rule = { label: "cat", enterAt: 0.5 };

const RULES: readonly (readonly [string, Rule, JsonValue])[] = [
  ["required fields only", RULE, { label: "cat", enterAt: 0.5 }],
  ["thresholds", { ...RULE, exitBelow: 0.25 }, { label: "cat", enterAt: 0.5, exitBelow: 0.25 }],
  [
    "region and presence",
    { ...RULE, id: "left cat", regionId: "left", scoreKind: ScoreKind.PRESENCE },
    { id: "left cat", label: "cat", regionId: "left", scoreKind: "SCORE_KIND_PRESENCE", enterAt: 0.5 },
  ],
  [
    "times",
    { ...RULE, minPresentS: 0.5, minAbsentS: 1.5, cooldownS: 60, smoothingS: 0.25 },
    {
      label: "cat",
      enterAt: 0.5,
      minPresent: "0.500s",
      minAbsent: "1.500s",
      cooldown: "60s",
      smoothing: "0.250s",
    },
  ],
  ["a trail", { ...RULE, trailCount: 7 }, { label: "cat", enterAt: 0.5, trailCount: 7 }],
];

for (const [name, rule, expected] of RULES) {
  test(`a rule: ${name}`, () => assert.deepEqual(json({ rules: [rule] }), { rules: [expected], reuse: {} }));
}

const CONFIGS: readonly (readonly [string, Omit<ConfigOptions, "labels">, JsonValue])[] = [
  ["nothing", {}, { reuse: {} }],
  ["reuse", { changeThreshold: 0.25, maxReuseAgeS: 4.5 }, { reuse: { changeThreshold: 0.25, maxAge: "4.500s" } }],
  [
    "a region",
    { regions: [{ id: "left", x: 0, y: 0.25, width: 0.5, height: 0.75 }] },
    { regions: [{ id: "left", y: 0.25, width: 0.5, height: 0.75 }], reuse: {} },
  ],
  ["the default health policy", { health: {} }, { health: {}, reuse: {} }],
  ["health disabled", { health: { disabled: true } }, { health: { disabled: true }, reuse: {} }],
  [
    "a health policy",
    { health: { ignored: [HealthProblem.FROZEN, HealthProblem.BLURRED], frozenAfterS: 2.5, settleTimeS: 0 } },
    {
      health: {
        ignored: ["HEALTH_PROBLEM_FROZEN", "HEALTH_PROBLEM_BLURRED"],
        frozenAfter: "2.500s",
        settleTime: "0s",
      },
      reuse: {},
    },
  ],
  [
    "a resume point that was stored as JSON",
    { resume: fromJson(ResumeSchema, { token: "t", lastFrameId: "0", lastEventId: "e" }) },
    { resume: { token: "t", lastFrameId: "0", lastEventId: "e" }, reuse: {} },
  ],
];

for (const [name, options, expected] of CONFIGS) {
  test(`a config: ${name}`, () => assert.deepEqual(json(options), expected));
}
