export {
  type Classification,
  type ClassifyOptions,
  type ClientOptions,
  type EmbedInput,
  FramewatchClient,
  type ModelOptions,
  type UnaryOptions,
  type Stream,
  type StreamOptions,
} from "./client.js";
export { type ConfigOptions, type HealthOptions, type RegionInput, type ResumePoint, type Rule } from "./config.js";
export {
  ClientClosedError,
  type ErrorDetails,
  type FieldViolation,
  FramewatchCallError,
  FramewatchError,
  InvalidResponseError,
  StreamEndedEarlyError,
} from "./errors.js";
export { type PictureInput } from "./pictures.js";
export {
  duration,
  type Explain,
  type FrameInput,
  type ImageInput,
  type LabelInput,
  type LabelOptions,
  type LabelSpec,
  seconds,
  type StreamItem,
  type TimedFrame,
} from "./requests.js";
export { type Embeddings, type Similarities } from "./vectors.js";
export * from "./gen/framewatch/v1/framewatch_pb.js";
