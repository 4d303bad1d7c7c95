import { create } from "@bufbuild/protobuf";

import type { FramewatchClient } from "./client.js";
import { batchesOf, embedBatches } from "./embedding.js";
import { framesOf, picturesAt, picturesIn } from "./folder.js";
import {
  ClassifyResponseSchema,
  ConfigWarningsSchema,
  type Event,
  type Explanation,
  type FrameResult,
  type HealthEvent,
  ListModelsResponseSchema,
  type Warning,
} from "./gen/framewatch/v1/framewatch_pb.js";
import { type Command, readFrameRate, readLabelOptions, readWatchOptions, UsageError, type Values } from "./options.js";
import { printable, printableJson, printableMessage } from "./printing.js";
import {
  eventLine,
  explanationLines,
  healthEventLine,
  jsonLine,
  modelLine,
  responseJson,
  resultLine,
  scoreLines,
  vectorLine,
  warningLine,
} from "./render.js";
import type { StreamItem } from "./requests.js";
import type { Embeddings } from "./vectors.js";

type Run = (client: FramewatchClient, paths: readonly string[], values: Values) => Promise<void>;

/** The commands; results go to stdout, everything else to stderr. */
export const COMMANDS: Readonly<Record<Command, Run>> = { classify, watch, embed, models };

async function classify(client: FramewatchClient, paths: readonly string[], values: Values): Promise<void> {
  const path = onePath("classify", paths);
  const { labels, ...options } = await readLabelOptions(values);
  const classification = await client.classify(path, labels, options);
  print(values.json ? jsonLine(ClassifyResponseSchema, classification) : scoreLines(classification.scores), values.json);
  classification.warnings.forEach(printWarning);
}

async function watch(client: FramewatchClient, folders: readonly string[], values: Values): Promise<void> {
  const folder = onePath("watch", folders);
  const frameRate = readFrameRate(values);
  const options = { ...readWatchOptions(values), ...(await readLabelOptions(values)) };
  const paths = await picturesIn(folder);
  if (paths.length === 0) throw new UsageError(`${folder} has no JPEG, PNG or WebP files.`);

  const frames = values.explain ? withExplanation(framesOf(paths, frameRate), values.json) : framesOf(paths, frameRate);
  const counts = { scores: 0, dropped: 0, error: 0, event: 0 };
  const messages = client.stream(frames, {
    ...options,
    onStarted: (value) => values.json && print(responseJson({ case: "started", value }), true),
    onWarning: (warning, configVersion) => {
      const value = create(ConfigWarningsSchema, { configVersion, warnings: [warning] });
      if (values.json) print(responseJson({ case: "configWarnings", value }), true);
      printWarning(warning);
    },
  });
  for await (const message of messages) {
    if (message.$typeName !== "framewatch.v1.FrameResult") counts.event += 1;
    else if (message.outcome.case) counts[message.outcome.case] += 1;
    print(messageLine(message, values.json), values.json);
  }
  console.error(
    `${paths.length} frames: ${counts.scores} scored, ${counts.dropped} dropped, ${counts.error} failed; ` +
      `events: ${counts.event}`,
  );
}

async function embed(client: FramewatchClient, places: readonly string[], values: Values): Promise<void> {
  const { text: texts = [], model } = values;
  const paths = (await Promise.all(places.map(picturesAt))).flat();
  if (paths.length + texts.length === 0) {
    throw new UsageError("embed takes JPEG, PNG or WebP files, folders that have some, or --text TEXT.");
  }
  let last: Embeddings | undefined;
  for await (const { batch, found } of embedBatches(client, batchesOf(paths, texts), model)) {
    found.imageVectors.forEach((vector, index) => print(vectorLine({ path: batch.paths[index] }, vector), true));
    found.textVectors.forEach((vector, index) => print(vectorLine({ text: batch.texts[index] }, vector), true));
    found.warnings.forEach(printWarning);
    last = found;
  }
  const summary =
    `${paths.length} pictures, ${texts.length} texts: vectors of ${last?.dimension} numbers by ${last?.model}, ` +
    `weights ${last?.weightsDigest}`;
  console.error(printableMessage(summary));
}

async function models(client: FramewatchClient, paths: readonly string[], { json }: Values): Promise<void> {
  if (paths.length > 0) throw new UsageError("models takes no path.");
  const found = await client.listModels();
  if (json) print(jsonLine(ListModelsResponseSchema, create(ListModelsResponseSchema, { models: found })), true);
  else found.forEach((model, index) => print(modelLine(model, index === 0), false));
}

function onePath(command: Command, [path, ...others]: readonly string[]): string {
  if (path === undefined || others.length > 0) throw new UsageError(`${command} takes one path.`);
  return path;
}

/** Prints lines whose texts may be a server's. */
function print(lines: string, isJson: boolean): void {
  console.log(isJson ? printableJson(lines) : printable(lines));
}

function printWarning(warning: Warning): void {
  console.error(printableMessage(warningLine(warning)));
}

function messageLine(message: FrameResult | Event | HealthEvent, json: boolean): string {
  if (message.$typeName === "framewatch.v1.Event") {
    return json ? responseJson({ case: "event", value: message }) : eventLine(message);
  }
  if (message.$typeName === "framewatch.v1.HealthEvent") {
    return json ? responseJson({ case: "healthEvent", value: message }) : healthEventLine(message);
  }
  return json ? responseJson({ case: "result", value: message }) : resultLine(message);
}

async function* withExplanation(frames: AsyncIterable<StreamItem>, json: boolean): AsyncGenerator<StreamItem> {
  yield* frames;
  const onAnswer = (value: Explanation) =>
    print(json ? responseJson({ case: "explanation", value }) : explanationLines(value), json);
  yield { onAnswer };
}
