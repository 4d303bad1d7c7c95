import {
  create,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { AnySchema, anyPack } from "@bufbuild/protobuf/wkt";
import {
  Metadata,
  type MethodDefinition,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  status,
  type UntypedHandleCall,
} from "@grpc/grpc-js";

import {
  FramewatchClient,
  type StreamFramesRequest,
  StreamFramesResponseSchema,
  type StreamStartedSchema,
  type WarningSchema,
  ZeroShotService,
} from "../src/index.js";
import { BadRequestSchema, ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.js";

/** An answer of a test's server: a response, or bytes that this version of the .proto can't express. */
export type Answer = MessageInitShape<typeof StreamFramesResponseSchema> | Uint8Array;
export type StreamOnServer = ServerDuplexStream<StreamFramesRequest, Answer>;

type Reply = MessageInitShape<DescMessage> | Uint8Array;
type Methods = typeof ZeroShotService.method;

/** The responses of a test's server to unary calls; an exception fails the call. */
export type Unary = {
  readonly [K in Exclude<keyof Methods, "streamFrames">]?: (
    request: MessageShape<Methods[K]["input"]>,
  ) => MessageInitShape<Methods[K]["output"]>;
};

/** Runs the test with a client of a server whose StreamFrames is the handler. */
export function withServer(
  handler: (stream: StreamOnServer) => void,
  test: (client: FramewatchClient) => Promise<void>,
): Promise<void> {
  return withHandlers({ streamFrames: handler }, test);
}

/** Runs the test with a client of a server with these responses. */
export function withUnary(answers: Unary, test: (client: FramewatchClient) => Promise<void>): Promise<void> {
  const handlers = Object.entries(answers).map(([name, answer]) => [
    name,
    (call: ServerUnaryCall<Message, Reply>, callback: sendUnaryData<Reply>) => {
      try {
        callback(null, (answer as (request: Message) => Reply)(call.request));
      } catch (error) {
        callback(error as Error);
      }
    },
  ]);
  return withHandlers(Object.fromEntries(handlers), test);
}

async function withHandlers(
  handlers: Readonly<Record<string, UntypedHandleCall>>,
  test: (client: FramewatchClient) => Promise<void>,
): Promise<void> {
  const server = new Server();
  const methods = Object.entries(ZeroShotService.method).filter(([name]) => name in handlers);
  server.addService(Object.fromEntries(methods.map(([name, method]) => [name, definition(method)])), handlers);
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

function definition(method: DescMethod): MethodDefinition<Message, Reply> {
  const streams = method.methodKind === "bidi_streaming";
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: streams,
    responseStream: streams,
    requestDeserialize: (bytes) => fromBinary(method.input, bytes),
    requestSerialize: (request) => Buffer.from(toBinary(method.input, request)),
    responseSerialize: (answer) =>
      Buffer.from(answer instanceof Uint8Array ? answer : toBinary(method.output, create(method.output, answer))),
    responseDeserialize: (bytes) => bytes,
  };
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

export function configWarnings(...warnings: MessageInitShape<typeof WarningSchema>[]): Answer {
  return { response: { case: "configWarnings", value: { configVersion: 1, warnings } } };
}

/** An explanation whose only rule has the number of frames. */
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
