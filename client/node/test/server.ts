import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata, Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";

import {
  FramewatchClient,
  type StreamFramesRequest,
  StreamFramesRequestSchema,
  StreamFramesResponseSchema,
  type StreamStartedSchema,
} from "../src/index.js";
import { BadRequestSchema, ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.js";

/** What a test's server writes: a response, or bytes for what this version of the .proto can't say. */
export type Answer = MessageInitShape<typeof StreamFramesResponseSchema> | Uint8Array;
export type StreamOnServer = ServerDuplexStream<StreamFramesRequest, Answer>;

/** Runs the test with a client of a server whose StreamFrames is the handler. */
export async function withServer(
  handler: (stream: StreamOnServer) => void,
  test: (client: FramewatchClient) => Promise<void>,
): Promise<void> {
  const server = new Server();
  server.addService(
    {
      streamFrames: {
        path: "/framewatch.v1.ZeroShotService/StreamFrames",
        requestStream: true,
        responseStream: true,
        requestDeserialize: (bytes: Buffer) => fromBinary(StreamFramesRequestSchema, bytes),
        requestSerialize: (request: StreamFramesRequest) => Buffer.from(toBinary(StreamFramesRequestSchema, request)),
        responseSerialize: (answer: Answer) => Buffer.from(bytesOf(answer)),
        responseDeserialize: (bytes: Buffer) => bytes,
      },
    },
    { streamFrames: handler },
  );
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, found: number) => (error ? reject(error) : resolve(found));
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), bound);
  });
  const client = new FramewatchClient(`127.0.0.1:${port}`, { channel: { "grpc.enable_http_proxy": 0 } });
  try {
    await test(client);
  } finally {
    client.close();
    server.forceShutdown();
  }
}

function bytesOf(answer: Answer): Uint8Array {
  if (answer instanceof Uint8Array) return answer;
  return toBinary(StreamFramesResponseSchema, create(StreamFramesResponseSchema, answer));
}

export function started(inFlightFrameCount: number, resume: MessageInitShape<typeof StreamStartedSchema> = {}): Answer {
  return { response: { case: "started", value: { ...resume, inFlightFrameCount } } };
}

export function result(frameId: bigint): Answer {
  return { response: { case: "result", value: { frameId } } };
}

export function event(frameId: bigint, eventId: string): Answer {
  return { response: { case: "event", value: { frameId, eventId } } };
}

/** An explanation whose only rule tells the number of frames. */
export function explanation(frameCount: number): Answer {
  return { response: { case: "explanation", value: { rules: [{ frameCount: BigInt(frameCount) }] } } };
}

/** The details trailer of a call that failed for one field. */
export function detailsTrailer(reason: string, field: string): Buffer {
  const info = create(ErrorInfoSchema, { reason, domain: "framewatch", metadata: { maximum: "3" } });
  const fields = create(BadRequestSchema, { fieldViolations: [{ field, description: "is wrong" }] });
  const unknown = create(AnySchema, { typeUrl: "type.googleapis.com/later.Detail", value: new Uint8Array([1]) });
  const details = [unknown, anyPack(ErrorInfoSchema, info), anyPack(BadRequestSchema, fields)];
  return Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code: status.INVALID_ARGUMENT, details })));
}

export function callFailure(code: status, details: string, trailer: Buffer): Error & { metadata: Metadata } {
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", trailer);
  return Object.assign(new Error(details), { code, details, metadata });
}
