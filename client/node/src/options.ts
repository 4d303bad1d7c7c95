import { parseArgs } from "node:util";

import type { RegionInput, Rule } from "./config.js";
import { ScoreKind } from "./gen/framewatch/v1/framewatch_pb.js";
import { readLabels } from "./labels.js";
import { parseRegion } from "./regions.js";
import type { LabelSpec } from "./requests.js";
import { parseRule } from "./rules.js";

export const USAGE = `Usage:
  framewatch-node classify IMAGE --label A --label B [options]
  framewatch-node watch FOLDER --label A --label B [--rule RULE]... [--fps N] [options]
  framewatch-node embed [IMAGE|FOLDER]... [--text TEXT]... [options]
  framewatch-node models [options]

classify scores one JPEG, PNG or WebP file against labels.
watch sends such files of a folder as frames, in natural order of their names, and prints results and events.
embed prints the vectors of such files and of texts, a line of JSON each: {"path": …, "vector": […]}.
models prints the loaded models; the first is the default.

  --server ADDRESS  default: 127.0.0.1:50051
  --model NAME      the model to use (default: the server's first); not for models
  --json            print every response as a line of protobuf JSON (embed always prints its own JSON)
  --help            print this

For classify and watch:
  --label TEXT      a thing to look for; once per label
  --template TEXT   a sentence with {label}; several make an ensemble (default: the server's)
  --no-template     labels are used verbatim
  --contrast LABEL=TEXT         a description of the picture without the label, for its presence
  --example LABEL=PATH          a picture with it, or a folder of them, for its presence
  --counter-example LABEL=PATH  a picture without it, or a folder of them
  --top K           print the best K labels only

For watch:
  --rule RULE       LABEL:ENTER[:EXIT[:MIN_PRESENT_S[:MIN_ABSENT_S]]]: ENTERED at a score of ENTER for MIN_PRESENT_S
                    seconds, EXITED below EXIT (default: ENTER) for MIN_ABSENT_S (default: both 0.3); once per rule
  --score KIND      the score that rules use: probability (default), similarity or presence
  --region REGION   a part of the frame, ID=X,Y,WIDTH,HEIGHT in fractions of it; every rule applies to each
  --trail K         events carry the last K scores that led to them
  --explain         at the end, print how close each rule is to its next event and what holds it back
  --fps N           frames per second of the folder's pictures (default: 1)

For embed:
  --text TEXT       a text, used verbatim; once per text

Exit codes: 0 done, 1 the call failed, 2 wrong usage.`;

const OPTIONS = {
  label: { type: "string", multiple: true },
  template: { type: "string", multiple: true },
  "no-template": { type: "boolean" },
  contrast: { type: "string", multiple: true },
  example: { type: "string", multiple: true },
  "counter-example": { type: "string", multiple: true },
  top: { type: "string" },
  rule: { type: "string", multiple: true },
  score: { type: "string" },
  region: { type: "string", multiple: true },
  trail: { type: "string" },
  explain: { type: "boolean" },
  fps: { type: "string" },
  text: { type: "string", multiple: true },
  model: { type: "string" },
  server: { type: "string", default: "127.0.0.1:50051" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

type OptionName = keyof typeof OPTIONS;

const OF_ALL: readonly OptionName[] = ["server", "json", "help"];
const OF_LABEL: readonly OptionName[] = ["label", "template", "no-template", "contrast", "example", "counter-example"];

/** The options of each command, besides those of all commands. */
const OF_COMMAND = {
  classify: [...OF_LABEL, "top", "model"],
  watch: [...OF_LABEL, "top", "model", "rule", "score", "region", "trail", "explain", "fps"],
  embed: ["model", "text"],
  models: [],
} as const satisfies Record<string, readonly OptionName[]>;

export type Command = keyof typeof OF_COMMAND;

const SCORE_KINDS: ReadonlyMap<string, ScoreKind> = new Map([
  ["probability", ScoreKind.PROBABILITY],
  ["similarity", ScoreKind.SIMILARITY],
  ["presence", ScoreKind.PRESENCE],
]);

/** A command line that can't be carried out. */
export class UsageError extends Error {}

export type Values = ReturnType<typeof readOptions>["values"];

export function readOptions(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** @throws UsageError when the word is not a command. */
export function readCommand(word: string | undefined): Command {
  if (word !== undefined && Object.hasOwn(OF_COMMAND, word)) return word as Command;
  throw new UsageError(`The first word is one of ${Object.keys(OF_COMMAND).join(", ")}.`);
}

/** @throws UsageError when there are options that the command does not have. */
export function refuseForeignOptions(command: Command, values: Values): void {
  const known = new Set<string>([...OF_ALL, ...OF_COMMAND[command]]);
  const foreign = Object.keys(values).filter((name) => !known.has(name));
  if (foreign.length > 0) throw new UsageError(`${command} has no ${foreign.map((name) => `--${name}`).join(", ")}.`);
}

/** The labels of classify and watch; reads the images of examples. */
export async function readLabelOptions(values: Values) {
  const { template, "no-template": noTemplate } = values;
  if (template && noTemplate) throw new UsageError("--template and --no-template exclude each other.");
  const topCount = readCount("--top", values.top ?? "0");
  return { labels: await labelsOf(values), templates: noTemplate ? [] : template, topCount, model: values.model };
}

async function labelsOf(values: Values): Promise<LabelSpec[]> {
  if (values.label === undefined) throw new UsageError("At least one --label is needed.");
  const { contrast = [], example: examples = [], "counter-example": counterExamples = [] } = values;
  const labels = await readLabels(values.label, { contrast, examples, counterExamples });
  if (labels !== undefined) return labels;
  throw new UsageError("--contrast, --example and --counter-example are LABEL=VALUE, with one of the labels.");
}

/** The regions and rules of watch. */
export function readWatchOptions(values: Values) {
  const regions = values.region?.map(readRegion) ?? [];
  const scoreKind = readScoreKind(values.score ?? "probability");
  const trailCount = readCount("--trail", values.trail ?? "0");
  const rules = values.rule?.map((text): Rule => ({ ...readRule(text), scoreKind, trailCount })) ?? [];
  return { regions, rules: regions.length > 0 ? rules.flatMap((rule) => inEach(regions, rule)) : rules };
}

function inEach(regions: readonly RegionInput[], rule: Rule): Rule[] {
  return regions.map(({ id: regionId }) => ({ ...rule, regionId, id: `${rule.label} in ${regionId}` }));
}

export function readFrameRate({ fps }: Values): number {
  const frameRate = readNumber("--fps", fps ?? "1");
  if (frameRate <= 0) throw new UsageError("--fps must be greater than 0.");
  return frameRate;
}

function readRule(text: string): Rule {
  const rule = parseRule(text);
  if (rule === undefined) throw new UsageError(`--rule ${text}: LABEL:ENTER[:EXIT[:MIN_PRESENT_S[:MIN_ABSENT_S]]] was expected.`);
  return rule;
}

function readRegion(text: string): RegionInput {
  const region = parseRegion(text);
  if (region === undefined) throw new UsageError(`--region ${text}: ID=X,Y,WIDTH,HEIGHT was expected.`);
  return region;
}

function readScoreKind(text: string): ScoreKind {
  const kind = SCORE_KINDS.get(text);
  if (kind === undefined) throw new UsageError(`--score ${text}: ${[...SCORE_KINDS.keys()].join(", ")} is expected.`);
  return kind;
}

function readCount(option: string, text: string): number {
  const count = readNumber(option, text);
  if (!Number.isInteger(count) || count < 0) throw new UsageError(`${option} must be a whole number.`);
  return count;
}

function readNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new UsageError(`${option} ${text}: a number was expected.`);
  return value;
}
