/** Characters of a message that are printed at most. */
const MAX_CHARS = 2000;

/**
 * Characters that are not printed as they are: control characters, direction marks, halves of no character. Zero-width
 * joiners stay, since some scripts and emojis need them.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const KEPT = /[\n\t\u200c\u200d]/;

/** Text of a server or a file, so that it can't act on a terminal: what is unprintable is written as `\u{1b}`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => (KEPT.test(char) ? char : `\\u{${char.codePointAt(0)?.toString(16)}}`));
}

/** As `printable`, and cut off with `…` where it is very long. */
export function printableMessage(text: string): string {
  const shown = printable(text.slice(0, 4 * MAX_CHARS));
  return shown.length > MAX_CHARS ? `${shown.slice(0, MAX_CHARS - 1)}…` : shown;
}

/** A line of JSON with the same values and without what acts on a terminal. */
export function printableJson(line: string): string {
  return line.replace(UNPRINTABLE, (char) =>
    KEPT.test(char) ? char : Array.from({ length: char.length }, (_, index) => unit(char.charCodeAt(index))).join(""),
  );
}

function unit(code: number): string {
  return `\\u${code.toString(16).padStart(4, "0")}`;
}
