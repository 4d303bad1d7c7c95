#!/usr/bin/env node
import { FramewatchClient } from "./client.js";
import { COMMANDS } from "./commands.js";
import { FramewatchError } from "./errors.js";
import { readCommand, readOptions, refuseForeignOptions, USAGE, UsageError } from "./options.js";
import { printableMessage } from "./printing.js";
import { errorText } from "./render.js";

async function main(argv: readonly string[]): Promise<number> {
  try {
    await run(argv);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      console.error(`${printableMessage(error.message)}\nSee framewatch-node --help.`);
      return 2;
    }
    if (isFileError(error)) {
      console.error(printableMessage(error.message));
      return 2;
    }
    if (error instanceof FramewatchError) {
      console.error(printableMessage(errorText(error)));
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
  const [word, ...paths] = positionals;
  const command = readCommand(word);
  refuseForeignOptions(command, values);
  const client = new FramewatchClient(values.server);
  try {
    await COMMANDS[command](client, paths, values);
  } finally {
    client.close();
  }
}

/** True for the error of a file or folder that is missing or unreadable. */
function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "path" in error;
}

// A reader that closes the pipe early, as in `framewatch-node … | head`, is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});
process.exitCode = await main(process.argv.slice(2));
