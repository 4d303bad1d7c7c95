#!/usr/bin/env node
import { parseArgs } from "node:util";

import { FramewatchClient, type Rule } from "./client.js";
import { FramewatchError } from "./errors.js";
import { framesOf, picturesIn } from "./folder.js";
import { ClassifyResponseSchema } from "./gen/framewatch/v1/framewatch_pb.js";
import { errorText, eventLine, jsonLine, responseJson, resultLine, scoreLines } from "./render.js";
import { parseRule } from "./rules.js";

const USAGE = `Usage:
  framewatch-node classify IMAGE --label A --label B [options]
  framewatch-node watch FOLDER --label A --label B [--rule LABEL:ENTER[:EXIT]]... [--fps N] [options]

classify scores one JPEG, PNG or WebP file against labels.
watch sends such files of a folder as frames, in natural order of their names, and prints results and events.

  --label TEXT      what to look for; once per label
  --template TEXT   a sentence with {label}; several make an ensemble (default: the server's)
  --no-template     labels are used verbatim
  --top K           print the best K labels only
  --rule RULE       ENTERED at a probability of ENTER, EXITED below EXIT (default: ENTER); once per rule
  --fps N           frames a second of the folder's pictures (default: 1)
  --server ADDRESS  default: 127.0.0.1:50051
  --json            print every response as a line of protobuf JSON
  --help            print this

Exit codes: 0 done, 1 the call failed, 2 wrong usage.`;

const OPTIONS = {
  label: { type: "string", multiple: true },
  template: { type: "string", multiple: true },
  "no-template": { type: "boolean", default: false },
  top: { type: "string", default: "0" },
  rule: { type: "string", multiple: true },
  fps: { type: "string" },
  server: { type: "string", default: "127.0.0.1:50051" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** The command line asks for something that can't be done. */
class UsageError extends Error {}

type Values = ReturnType<typeof readOptions>["values"];

async function main(argv: readonly string[]): Promise<number> {
  try {
    await run(argv);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${error.message}\nframewatch-node --help tells more.`);
      return 2;
    }
    if (isFileError(error)) {
      console.error(error.message);
      return 2;
    }
    if (error instanceof FramewatchError) {
      console.error(errorText(error));
      return 1;
    }
    throw error;
  }
}

async function run(argv: readonly string[]): Promise<void> {
  const { values, positionals } = readOptions(argv);
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const [command, path, ...others] = positionals;
  if (command !== "classify" && command !== "watch") throw new UsageError("The first word is classify or watch.");
  if (path === undefined || others.length > 0) throw new UsageError(`${command} takes one path.`);
  const client = new FramewatchClient(values.server);
  try {
    await (command === "classify" ? classify(client, path, values) : watch(client, path, values));
  } finally {
    client.close();
  }
}

async function classify(client: FramewatchClient, path: string, values: Values): Promise<void> {
  if (values.rule || values.fps) throw new UsageError("--rule and --fps are for watch.");
  const { labels, ...options } = readLabelOptions(values);
  const classification = await client.classify(path, labels, options);
  console.log(values.json ? jsonLine(ClassifyResponseSchema, classification) : scoreLines(classification.scores));
}

async function watch(client: FramewatchClient, folder: string, values: Values): Promise<void> {
  const frameRate = readNumber("--fps", values.fps ?? "1");
  if (frameRate <= 0) throw new UsageError("--fps must be greater than 0.");
  const options = { ...readLabelOptions(values), rules: values.rule?.map(readRule) };
  const paths = await picturesIn(folder);
  if (paths.length === 0) throw new UsageError(`${folder} has no JPEG, PNG or WebP files.`);

  const counts = { scores: 0, dropped: 0, error: 0, event: 0 };
  const messages = client.watch(framesOf(paths, frameRate), {
    ...options,
    onStarted: (value) => values.json && console.log(responseJson({ case: "started", value })),
  });
  for await (const message of messages) {
    if (message.$typeName === "framewatch.v1.Event") {
      counts.event += 1;
      console.log(values.json ? responseJson({ case: "event", value: message }) : eventLine(message));
    } else {
      if (message.outcome.case) counts[message.outcome.case] += 1;
      console.log(values.json ? responseJson({ case: "result", value: message }) : resultLine(message));
    }
  }
  console.error(
    `${paths.length} frames: ${counts.scores} scored, ${counts.dropped} dropped, ${counts.error} failed; ` +
      `events: ${counts.event}`,
  );
}

function readOptions(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readLabelOptions({ label, template, "no-template": noTemplate, top }: Values) {
  if (label === undefined) throw new UsageError("At least one --label is needed.");
  if (template && noTemplate) throw new UsageError("--template and --no-template exclude each other.");
  const topCount = readNumber("--top", top);
  if (!Number.isInteger(topCount) || topCount < 0) throw new UsageError("--top must be a whole number.");
  return { labels: label, templates: noTemplate ? [] : template, topCount };
}

function readRule(text: string): Rule {
  const rule = parseRule(text);
  if (rule === undefined) throw new UsageError(`--rule ${text}: LABEL:ENTER or LABEL:ENTER:EXIT was expected.`);
  return rule;
}

function readNumber(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new UsageError(`${option} ${text}: a number was expected.`);
  return value;
}

/** A file or folder that is not there or can't be read. */
function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "path" in error;
}

// `framewatch-node … | head` is no fault.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});
process.exitCode = await main(process.argv.slice(2));
