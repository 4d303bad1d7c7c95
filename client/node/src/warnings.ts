import type { Warning } from "./gen/framewatch/v1/framewatch_pb.js";

/** `a text was cut off (label_set.labels[0].prompts[0])`. */
export function warningText({ message, field }: Warning): string {
  return field === "" ? message : `${message} (${field})`;
}

/** Says it as Node says its own: on stderr, and to who listens to the process's `warning`. */
export function emitWarning(warning: Warning): void {
  process.emitWarning(warningText(warning), { type: "FramewatchWarning", code: warning.reason });
}
