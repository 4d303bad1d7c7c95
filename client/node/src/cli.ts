#!/usr/bin/env node
import { FramewatchClient } from "./client.js";
import { FramewatchError } from "./errors.js";
import { framesOf, picturesIn } from "./folder.js";
import {
  ClassifyResponseSchema,
  type Event,
  type Explanation,
  type FrameResult,
} from "./gen/framewatch/v1/framewatch_pb.js";
import {
  readFrameRate,
  readLabelOptions,
  readOptions,
  readWatchOptions,
  refuseWatchOptions,
  USAGE,
  UsageError,
  type Values,
} from "./options.js";
import { errorText, eventLine, explanationLines, jsonLine, responseJson, resultLine, scoreLines } from "./render.js";
import type { StreamItem } from "./requests.js";

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
  refuseWatchOptions(values);
  const { labels, ...options } = await readLabelOptions(values);
  const classification = await client.classify(path, labels, options);
  console.log(values.json ? jsonLine(ClassifyResponseSchema, classification) : scoreLines(classification.scores));
}

async function watch(client: FramewatchClient, folder: string, values: Values): Promise<void> {
  const frameRate = readFrameRate(values);
  const options = { ...readWatchOptions(values), ...(await readLabelOptions(values)) };
  const paths = await picturesIn(folder);
  if (paths.length === 0) throw new UsageError(`${folder} has no JPEG, PNG or WebP files.`);

  const frames = values.explain ? thenExplained(framesOf(paths, frameRate), values.json) : framesOf(paths, frameRate);
  const counts = { scores: 0, dropped: 0, error: 0, event: 0 };
  const messages = client.watch(frames, {
    ...options,
    onStarted: (value) => values.json && console.log(responseJson({ case: "started", value })),
  });
  for await (const message of messages) {
    if (message.$typeName === "framewatch.v1.Event") counts.event += 1;
    else if (message.outcome.case) counts[message.outcome.case] += 1;
    console.log(messageLine(message, values.json));
  }
  console.error(
    `${paths.length} frames: ${counts.scores} scored, ${counts.dropped} dropped, ${counts.error} failed; ` +
      `events: ${counts.event}`,
  );
}

function messageLine(message: FrameResult | Event, json: boolean): string {
  if (message.$typeName === "framewatch.v1.Event") {
    return json ? responseJson({ case: "event", value: message }) : eventLine(message);
  }
  return json ? responseJson({ case: "result", value: message }) : resultLine(message);
}

async function* thenExplained(frames: AsyncIterable<StreamItem>, json: boolean): AsyncGenerator<StreamItem> {
  yield* frames;
  const onExplanation = (value: Explanation) =>
    console.log(json ? responseJson({ case: "explanation", value }) : explanationLines(value));
  yield { onExplanation };
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
