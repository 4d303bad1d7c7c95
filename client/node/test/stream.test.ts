import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { status } from "@grpc/grpc-js";

import {
  type Event,
  type Explanation,
  type FrameResult,
  FramewatchCallError,
  type HealthEvent,
  type Resume,
  type Warning,
} from "../src/index.js";
import {
  callFailure,
  configWarnings,
  detailsTrailer,
  event,
  explanation,
  result,
  type StreamOnServer,
  started,
  withServer,
} from "./server.js";

const PICTURE = new Uint8Array([1, 2, 3]);
const LABELS = { labels: ["cat"] };

/** Sends started, then a result for every frame; `beforeResult` may send more before each result. */
function answering(inFlight: number, beforeResult: (stream: StreamOnServer) => void = () => {}) {
  return (stream: StreamOnServer) => {
    stream.on("data", ({ request }) => {
      if (request.case === "config") {
        stream.write(started(inFlight));
      } else if (request.case === "frame") {
        beforeResult(stream);
        stream.write(result(request.value.frameId));
      }
    });
    stream.on("end", () => stream.end());
  };
}

async function collect(messages: AsyncIterable<FrameResult | Event | HealthEvent>): Promise<bigint[]> {
  const ids = [];
  for await (const { frameId } of messages) ids.push(frameId);
  return ids;
}

test("one result per frame, in order", () =>
  withServer(answering(2), async (client) => {
    assert.deepEqual(await collect(client.stream([PICTURE, PICTURE, PICTURE], LABELS)), [0n, 1n, 2n]);
  }));

test("a stream without frames ends without an error", () =>
  withServer(answering(2), async (client) => {
    assert.deepEqual(await collect(client.stream([], LABELS)), []);
  }));

test("messages of a later version are ignored", () => {
  const fieldNine = new Uint8Array([0x4a, 0x01, 0x00]);
  const empty = new Uint8Array();
  const server = answering(2, (stream) => [fieldNine, empty].forEach((answer) => stream.write(answer)));
  return withServer(server, async (client) => {
    assert.deepEqual(await collect(client.stream([PICTURE, PICTURE], LABELS)), [0n, 1n]);
  });
});

test("each Explain gets its explanation, in order, outside of the window", () => {
  let frameCount = 0;
  const explaining = (stream: StreamOnServer) => {
    stream.on("data", ({ request }) => {
      if (request.case === "frame") frameCount += 1;
      if (request.case === "explain") stream.write(explanation(frameCount));
    });
    answering(1)(stream);
  };
  const received: [string, bigint | undefined][] = [];
  const explain = (name: string) => ({
    onAnswer: ({ rules }: Explanation) => received.push([name, rules[0]?.frameCount]),
  });
  return withServer(explaining, async (client) => {
    const items = [explain("a"), PICTURE, explain("b"), explain("c"), PICTURE, explain("d")];
    assert.deepEqual(await collect(client.stream(items, LABELS)), [0n, 1n]);
    assert.deepEqual(received, [
      ["a", 0n],
      ["b", 1n],
      ["c", 1n],
      ["d", 2n],
    ]);
  });
});

test("the source waits while many Explains have no answer", () => {
  let pulled = 0;
  let answered = 0;
  function* source() {
    for (; pulled < 200; pulled += 1) yield { onAnswer: () => (answered += 1) };
  }
  const received: number[] = [];
  let asked = 0;
  const holding = (stream: StreamOnServer) => {
    stream.on("data", ({ request }) => {
      if (request.case === "config") stream.write(started(1));
      if (request.case !== "explain") return;
      asked += 1;
      // It answers only when no more come: less would be a stall, more would pile up.
      if (asked % 64 !== 0) return;
      received.push(pulled);
      for (let index = 0; index < 64; index += 1) stream.write(explanation(index));
    });
    stream.on("end", () => {
      for (let index = 0; index < asked % 64; index += 1) stream.write(explanation(index));
      stream.end();
    });
  };
  return withServer(holding, async (client) => {
    assert.deepEqual(await collect(client.stream(source(), LABELS)), []);
    assert.equal(answered, 200);
    assert.ok(received.every((count, index) => count <= 64 * (index + 1) + 1), `${received}`);
  });
});

test("an unrequested explanation is ignored", () =>
  withServer(answering(2, (stream) => stream.write(explanation(0))), async (client) => {
    assert.deepEqual(await collect(client.stream([PICTURE], LABELS)), [0n]);
  }));

test("a stream that ends with explanations missing fails", () =>
  withServer(answering(2), async (client) => {
    const items = [PICTURE, { onAnswer: () => {} }];
    const owed = { name: "StreamEndedEarlyError", reason: "STREAM_ENDED_EARLY", message: /owes 1 explanations/ };
    await assert.rejects(collect(client.stream(items, LABELS)), owed);
  }));

const WARNINGS = [
  { reason: "TEXT_TRUNCATED", message: "99 tokens of 77", field: "label_set.labels[0].prompts[0]" },
  { reason: "LATERS", message: "something new \u001b[2J", field: "" },
];

/** Sends warnings about the config before each result. */
const warning = answering(1, (stream) => stream.write(configWarnings(...WARNINGS)));

test("each warning about the config goes to onWarning, and is no message of the stream", () => {
  const received: (readonly [string, number])[] = [];
  const options = { ...LABELS, onWarning: ({ reason }: Warning, version: number) => received.push([reason, version]) };
  return withServer(warning, async (client) => {
    assert.deepEqual(await collect(client.stream([PICTURE], options)), [0n]);
    assert.deepEqual(received, [
      ["TEXT_TRUNCATED", 1],
      ["LATERS", 1],
    ]);
  });
});

test("warnings without onWarning are emitted by the process", async () => {
  const emitted: (readonly [string, string | undefined, string])[] = [];
  const listener = (error: NodeJS.ErrnoException) => emitted.push([error.name, error.code, error.message]);
  process.on("warning", listener);
  try {
    await withServer(warning, async (client) => {
      await collect(client.stream([PICTURE], LABELS));
    });
  } finally {
    process.off("warning", listener);
  }
  assert.deepEqual(emitted, [
    ["FramewatchWarning", "TEXT_TRUNCATED", "99 tokens of 77 (label_set.labels[0].prompts[0])"],
    ["FramewatchWarning", "LATERS", "something new \\u{1b}[2J"],
  ]);
});

test("an exception of onWarning ends the stream", () =>
  withServer(warning, async (client) => {
    const onWarning = () => {
      throw new RangeError("no warnings wanted");
    };
    await assert.rejects(collect(client.stream([PICTURE], { ...LABELS, onWarning })), RangeError);
  }));

/** Sends a result and an event for every frame; a resumed stream first gets the event of its last frame. */
function resuming(resumes: (Resume | undefined)[]) {
  return (stream: StreamOnServer) => {
    stream.on("data", ({ request }) => {
      if (request.case === "config") {
        const { resume } = request.value;
        resumes.push(resume);
        stream.write(started(1, { resumeToken: `t${resumes.length}`, resumed: resume !== undefined }));
        if (resume?.lastFrameId !== undefined) stream.write(event(resume.lastFrameId, `e${resume.lastFrameId}`));
      } else if (request.case === "frame") {
        stream.write(result(request.value.frameId));
        stream.write(event(request.value.frameId, `e${request.value.frameId}`));
      }
    });
    stream.on("end", () => stream.end());
  };
}

test("a stream resumes at the resume point of one that was left, and continues its frame ids", async () => {
  const resumes: (Resume | undefined)[] = [];
  await withServer(resuming(resumes), async (client) => {
    const lost = client.stream([PICTURE, PICTURE, PICTURE], LABELS);
    assert.equal(lost.resumePoint(), undefined);
    for await (const message of lost) if (message.$typeName !== "framewatch.v1.Event" && message.frameId === 1n) break;
    const next = client.stream([PICTURE], { ...LABELS, resume: lost.resumePoint() });
    // The unread event, then the new frame's result and event.
    assert.deepEqual(await collect(next), [1n, 2n, 2n]);
    const { token, lastFrameId, lastEventId } = next.resumePoint() ?? {};
    assert.deepEqual([token, lastFrameId, lastEventId], ["t2", 2n, "e2"]);
  });
  const sent = resumes.map((resume) => resume && [resume.token, resume.lastFrameId, resume.lastEventId]);
  assert.deepEqual(sent, [undefined, ["t1", 1n, "e0"]]);
});

test("a stream that failed, answered or not, still has a resume point", async () => {
  const resume = { token: "t0", lastFrameId: 4n, lastEventId: "e4" };
  const unavailable = (stream: StreamOnServer) => {
    stream.emit("error", callFailure(status.UNAVAILABLE, "gone", Buffer.alloc(0)));
  };
  const failing = (stream: StreamOnServer) => {
    stream.on("data", ({ request }) => {
      if (request.case === "config") stream.write(started(2, { resumeToken: "t1", resumed: true }));
      if (request.case !== "frame") return;
      if (request.value.frameId === 5n) stream.write(result(5n));
      else unavailable(stream);
    });
  };
  for (const [server, point] of [
    [unavailable, ["t0", 4n, "e4"]],
    [failing, ["t1", 5n, "e4"]],
  ] as const) {
    await withServer(server, async (client) => {
      const lost = client.stream([PICTURE, PICTURE], { ...LABELS, resume });
      await assert.rejects(collect(lost), { code: status.UNAVAILABLE });
      const { token, lastFrameId, lastEventId } = lost.resumePoint() ?? {};
      assert.deepEqual([token, lastFrameId, lastEventId], point);
    });
  }
});

test("no frame is requested while the window is full", () => {
  let pulled = 0;
  function* source() {
    for (; pulled < 8; pulled += 1) yield PICTURE;
  }
  const pulledWhenFull: number[] = [];
  let held: bigint[] = [];
  const holding = (stream: StreamOnServer) => {
    const answerHeld = () => {
      held.forEach((frameId) => stream.write(result(frameId)));
      held = [];
    };
    stream.on("data", ({ request }) => {
      if (request.case === "config") stream.write(started(3));
      if (request.case !== "frame") return;
      held.push(request.value.frameId);
      if (held.length < 3) return;
      pulledWhenFull.push(pulled);
      answerHeld();
    });
    stream.on("end", () => {
      answerHeld();
      stream.end();
    });
  };
  return withServer(holding, async (client) => {
    assert.equal((await collect(client.stream(source(), LABELS))).length, 8);
    // `pulled` counts a frame once the next one is requested.
    assert.deepEqual(pulledWhenFull, [2, 5]);
  });
});

test("an error of the source reaches the caller and cancels the call", async () => {
  let cancelled: Promise<unknown> | undefined;
  const server = (stream: StreamOnServer) => {
    cancelled = once(stream, "cancelled");
    answering(2)(stream);
  };
  await withServer(server, async (client) => {
    const failing = (async function* () {
      yield PICTURE;
      throw new RangeError("camera gone");
    })();
    await assert.rejects(collect(client.stream(failing, LABELS)), RangeError);
    await cancelled;
  });
});

test("leaving the loop ends the call and closes the source", async () => {
  let cancelled: Promise<unknown> | undefined;
  const server = (stream: StreamOnServer) => {
    cancelled = once(stream, "cancelled");
    answering(2)(stream);
  };
  await withServer(server, async (client) => {
    let closed = () => {};
    const sourceClosed = new Promise<void>((resolve) => (closed = resolve));
    const endless = (async function* () {
      try {
        for (;;) yield PICTURE;
      } finally {
        closed();
      }
    })();
    for await (const _ of client.stream(endless, LABELS)) break;
    await Promise.all([cancelled, sourceClosed]);
  });
});

test("a signal ends a stream whose source yields nothing", () =>
  withServer(answering(2), async (client) => {
    const abort = new AbortController();
    const silent = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const options = { ...LABELS, signal: abort.signal, onStarted: () => abort.abort(new RangeError("enough")) };
    await assert.rejects(collect(client.stream(silent, options)), RangeError);
  }));

test("the error of a refused config has its field", () => {
  const refusing = (stream: StreamOnServer) => {
    const trailer = detailsTrailer("INVALID_RULE", "config.rules[0].label");
    stream.emit("error", callFailure(status.INVALID_ARGUMENT, "no such label", trailer));
  };
  return withServer(refusing, async (client) => {
    await assert.rejects(collect(client.stream([PICTURE], LABELS)), (error) => {
      assert.ok(error instanceof FramewatchCallError);
      assert.deepEqual([error.reason, error.fields[0]?.field], ["INVALID_RULE", "config.rules[0].label"]);
      return true;
    });
  });
});

test("a stream that ends with results missing fails", () => {
  const forgetful = (stream: StreamOnServer) => {
    stream.on("data", ({ request }) => request.case === "config" && stream.write(started(2)));
    stream.on("end", () => stream.end());
  };
  return withServer(forgetful, async (client) => {
    await assert.rejects(collect(client.stream([PICTURE], LABELS)), /owes 1 results/);
  });
});

test("a stream that ends before any frame was sent fails", () =>
  withServer(
    (stream) => stream.end(),
    async (client) => {
      await assert.rejects(collect(client.stream([PICTURE], LABELS)), /before its time/);
    },
  ));
