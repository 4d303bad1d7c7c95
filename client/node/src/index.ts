export {
  type Classification,
  type ClassifyOptions,
  type ClientOptions,
  FramewatchClient,
  type Rule,
  type WatchOptions,
} from "./client.js";
export { type ErrorDetails, type FieldViolation, FramewatchError } from "./errors.js";
export { duration, type FrameInput, type ImageInput, type LabelInput, seconds, type TimedFrame } from "./requests.js";
export * from "./gen/framewatch/v1/framewatch_pb.js";
