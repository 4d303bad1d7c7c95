import { create, type DescMessage, type MessageShape, toJsonString } from "@bufbuild/protobuf";

import { FramewatchCallError, type FramewatchError } from "./errors.js";
import {
  DropReason,
  type Event,
  EventKind,
  ExitReason,
  type Explanation,
  FrameErrorReason,
  type FrameResult,
  type HealthEvent,
  HealthEventKind,
  HealthProblem,
  HeldBackBy,
  type LabelScore,
  type Model,
  type RegionScores,
  ScoreFunction,
  type StreamFramesResponse,
  StreamFramesResponseSchema,
  type Warning,
} from "./gen/framewatch/v1/framewatch_pb.js";
import { seconds } from "./requests.js";
import { warningText } from "./warnings.js";

/** A message as one line of protobuf JSON, with the .proto's field names and with fields that are 0 or empty. */
export function jsonLine<D extends DescMessage>(schema: D, message: MessageShape<D>): string {
  return toJsonString(schema, message, { useProtoFieldName: true, alwaysEmitImplicit: true });
}

/** A response of StreamFrames as one line of protobuf JSON. */
export function responseJson(response: StreamFramesResponse["response"]): string {
  return jsonLine(StreamFramesResponseSchema, create(StreamFramesResponseSchema, { response }));
}

/** A line per label, such as `0.913 a cat  presence 0.950`. */
export function scoreLines(scores: readonly LabelScore[]): string {
  return scores.map((score) => `${score.probability.toFixed(3)} ${score.label}${presenceText(score)}`).join("\n");
}

function presenceText({ presence }: LabelScore): string {
  return presence === undefined ? "" : `  presence ${presence.toFixed(3)}`;
}

/** A line such as `frame 12  0.480 s  a cat 0.913  a dog 0.087`. */
export function resultLine(result: FrameResult): string {
  return [`frame ${result.frameId}`, `${seconds(result.timeOffset).toFixed(3)} s`, outcomeText(result)].join("  ");
}

function outcomeText({ outcome }: FrameResult): string {
  switch (outcome.case) {
    case "scores":
      return outcome.value.regions.map(regionText).join("  ");
    case "dropped":
      return `dropped: ${nameOf(DropReason, outcome.value.reason)}`;
    case "error":
      return `failed: ${nameOf(FrameErrorReason, outcome.value.reason)}: ${outcome.value.message}`;
    default: // an outcome of a later version
      return "an outcome that this version does not know";
  }
}

function regionText({ regionId, scores, problem, suspended }: RegionScores): string {
  return [
    ...(regionId === "" ? [] : [`[${regionId}]`]),
    ...scores.map((score) => `${score.label} ${score.probability.toFixed(3)}${presenceText(score)}`),
    ...problemText(problem),
    ...(suspended ? ["(rules suspended)"] : []),
  ].join("  ");
}

/** A line such as `ENTERED a cat  frame 12  0.480 s  since 0.320 s  score 0.913  (rule cat)`. */
export function eventLine(event: Event): string {
  return [
    [nameOf(EventKind, event.kind), event.label, event.regionId && `[${event.regionId}]`].filter(Boolean).join(" "),
    `frame ${event.frameId}`,
    `${seconds(event.timeOffset).toFixed(3)} s`,
    `since ${seconds(event.beganTimeOffset).toFixed(3)} s`,
    `score ${event.score.toFixed(3)}`,
    `(rule ${event.ruleId})`,
    ...(event.exitReason === ExitReason.RECONFIGURED ? ["(the rule was changed)"] : []),
    ...(event.sparse ? ["(frames were missing)"] : []),
  ].join("  ");
}

/** A line such as `SUSPENDED [left]  frame 12  0.480 s  since 0.320 s  BLACK`. */
export function healthEventLine(event: HealthEvent): string {
  return [
    [nameOf(HealthEventKind, event.kind), event.regionId && `[${event.regionId}]`].filter(Boolean).join(" "),
    `frame ${event.frameId}`,
    `${seconds(event.timeOffset).toFixed(3)} s`,
    `since ${seconds(event.beganTimeOffset).toFixed(3)} s`,
    ...problemText(event.problem),
  ].join("  ");
}

function problemText(problem: HealthProblem): string[] {
  const isNone = problem === HealthProblem.UNSPECIFIED || problem === HealthProblem.NONE;
  return isNone ? [] : [nameOf(HealthProblem, problem)];
}

/** A line per rule, such as `rule cat waits for ENTERED: THRESHOLD: …`. */
export function explanationLines({ rules }: Explanation): string {
  return rules
    .map(({ ruleId, nextKind, heldBackBy, message }) => {
      const [waitsFor, reason] = [nameOf(EventKind, nextKind), nameOf(HeldBackBy, heldBackBy)];
      return `rule ${ruleId} waits for ${waitsFor}: ${reason}: ${message}`;
    })
    .join("\n");
}

/** A line such as `demo  clip  64×64 pixels  128 numbers  float32 on cpu (torch)  softmax  32 tokens  …`. */
export function modelLine(model: Model, isDefault: boolean): string {
  return [
    model.name,
    model.family,
    `${model.imageWidth}×${model.imageHeight} pixels`,
    `${model.dimension} numbers`,
    `${model.dtype} on ${model.device} (${model.engine})`,
    nameOf(ScoreFunction, model.scoreFunction).toLowerCase(),
    `${model.maxTextTokens} tokens`,
    ...(model.memoryBytes === 0n ? [] : [`${(Number(model.memoryBytes) / 2 ** 20).toFixed(0)} MiB`]),
    `weights ${model.weightsDigest}`,
    ...(model.revision === "" ? [] : [`revision ${model.revision}`]),
    ...(model.demo ? ["(demo)"] : []),
    ...(isDefault ? ["(default)"] : []),
  ].join("  ");
}

/** A line such as `{"path":"door.jpg","vector":[…]}`, with enough digits to identify each 32-bit number. */
export function vectorLine(of: { path?: string | undefined; text?: string | undefined }, vector: Float32Array): string {
  return JSON.stringify({ ...of, vector: Array.from(vector, (value) => Number(value.toPrecision(9))) });
}

/** A line such as `warning: TEXT_TRUNCATED: … (label_set.labels[0].prompts[0])`. */
export function warningLine(warning: Warning): string {
  return `warning: ${warning.reason}: ${warningText(warning)}`;
}

/** Code, stable reason and message, then a line for each wrong field and each further fact. */
export function errorText(error: FramewatchError): string {
  if (!(error instanceof FramewatchCallError)) return `${error.reason}: ${error.message}`;
  return [
    [error.codeName, error.reason, error.message].filter((part) => part !== undefined).join(": "),
    ...error.fields.map(({ field, description }) => `  ${field}: ${description}`),
    ...Object.entries(error.metadata).map(([name, value]) => `  ${name} = ${value}`),
  ].join("\n");
}

/** The name of an enum value; the number of one that a later version added. */
function nameOf(names: Readonly<Record<number, string>>, value: number): string {
  return names[value] ?? String(value);
}
