// `npm run proto:check`: fails when src/gen differs from the output of `npm run proto`.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The files below a folder, by path, with their contents. */
function contents(folder) {
  const paths = readdirSync(folder, { recursive: true }).filter((path) => statSync(join(folder, path)).isFile());
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

const fresh = mkdtempSync(join(tmpdir(), "framewatch-stubs-"));
try {
  execFileSync("buf", ["generate", "--output", fresh], { stdio: "inherit" });
  const expected = contents(join(fresh, "src/gen"));
  const found = contents("src/gen");
  const stale = [...new Set([...expected.keys(), ...found.keys()])].filter(
    (path) => expected.get(path) !== found.get(path),
  );
  if (stale.length > 0) {
    console.error(`src/gen does not match the .proto; run \`npm run proto\`. Differing:\n  ${stale.join("\n  ")}`);
    process.exitCode = 1;
  }
} finally {
  rmSync(fresh, { recursive: true });
}
