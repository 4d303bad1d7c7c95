import type { Warning } from "./gen/framewatch/v1/framewatch_pb.js";
import { printableMessage } from "./printing.js";

/** A line such as `a text was truncated (label_set.labels[0].prompts[0])`. */
export function warningText({ message, field }: Warning): string {
  return field === "" ? message : `${message} (${field})`;
}

/** Emits the warning as Node emits its own: on stderr, escaped and cut off, and as the event `warning` of the process. */
export function emitWarning(warning: Warning): void {
  process.emitWarning(printableMessage(warningText(warning)), { type: "FramewatchWarning", code: warning.reason });
}
