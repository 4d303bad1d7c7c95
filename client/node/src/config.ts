import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, timestampFromDate } from "@bufbuild/protobuf/wkt";

import {
  type EventRule,
  EventRuleSchema,
  type HealthPolicy,
  HealthPolicySchema,
  type HealthProblem,
  type OverflowPolicy,
  type RegionSchema,
  type ResumeSchema,
  type ScoreKind,
  type StreamConfig,
  StreamConfigSchema,
} from "./gen/framewatch/v1/framewatch_pb.js";
import { duration, type LabelOptions, labelSet } from "./requests.js";

/** The conditions of ENTERED and EXITED; see EventRule in the .proto. All times are seconds of frame time. */
export interface Rule {
  /** The name of one of the labels. */
  readonly label: string;
  /** A score of at least this counts towards ENTERED; in (0, 1]. */
  readonly enterAt: number;
  /** A score of less than this counts towards EXITED; in (0, enterAt]. Absent: `enterAt`. */
  readonly exitBelow?: number | undefined;
  /** The rule's name in its events; unique. Absent: the label's name. */
  readonly id?: string | undefined;
  /** The id of one of the regions. Absent: the whole frame, which exists only when there are no regions. */
  readonly regionId?: string | undefined;
  /** The score that the rule uses. Absent: the probability. */
  readonly scoreKind?: ScoreKind | undefined;
  /** The time for which the score must have been high before ENTERED. Absent: 0.3 s; 0: one frame is enough. */
  readonly minPresentS?: number | undefined;
  /** The time for which the score must have been low before EXITED. Absent: 0.3 s; 0: one frame is enough. */
  readonly minAbsentS?: number | undefined;
  /** The time after EXITED during which no ENTERED is emitted. Absent: none. */
  readonly cooldownS?: number | undefined;
  /** The half-life of an exponential smoothing of the score. Absent: no smoothing. */
  readonly smoothingS?: number | undefined;
  /** The most recent scores that an event carries in its `trail`, at most. Absent: it has no trail. */
  readonly trailCount?: number | undefined;
}

/** A part of the frame, in fractions of its width and height: Region in the .proto. */
export type RegionInput = MessageInitShape<typeof RegionSchema>;

/** The conditions under which pictures are kept from the rules; see HealthPolicy in the .proto. */
export interface HealthOptions {
  /** Switches the assessment of pictures off. */
  readonly disabled?: boolean | undefined;
  /** Problems to ignore. */
  readonly ignored?: readonly HealthProblem[] | undefined;
  /** The time, in seconds, for which a picture must stay identical to be frozen; greater than 0. Absent: 10. */
  readonly frozenAfterS?: number | undefined;
  /** Seconds for which pictures must have a problem before SUSPENDED, and be good before RESUMED. Absent: 1. */
  readonly settleTimeS?: number | undefined;
}

/**
 * The point at which a lost stream is taken over: Resume in the .proto, with the stream's token, the last frame whose
 * result arrived and the last event that arrived.
 */
export type ResumePoint = MessageInitShape<typeof ResumeSchema>;

/** The labels, regions and rules of a stream, and how it is processed. */
export interface ConfigOptions extends LabelOptions {
  /** Ids unique. None: scores only. */
  readonly rules?: readonly Rule[] | undefined;
  /** The parts of each frame that are scored by themselves, up to 64; ids unique. None: the whole frame. */
  readonly regions?: readonly RegionInput[] | undefined;
  /** The conditions under which pictures are kept from the rules. Absent: the server's defaults. */
  readonly health?: HealthOptions | undefined;
  /** The treatment of frames that arrive faster than they are scored. Default: BLOCK, which loses none. */
  readonly overflowPolicy?: OverflowPolicy | undefined;
  /** The number of best labels in a result; 0 and absent: all. */
  readonly topCount?: number | undefined;
  /** Frames per second of frame time above which frames are dropped. Absent: no limit. */
  readonly maxFrameRate?: number | undefined;
  /** The longest gap between frames that counts towards a rule's times, in seconds. Absent: 10. */
  readonly maxFrameGapS?: number | undefined;
  /** The wall time of time offset 0; events then carry wall times too. */
  readonly originTime?: Date | undefined;
  /**
   * A frame that differs by less than this from the last embedded one is scored by that one's embedding; 0 to 1, about
   * 0.05 for most cameras. 0 and absent: only frames whose files are identical.
   */
  readonly changeThreshold?: number | undefined;
  /** Seconds of frame time after which a frame is embedded anew in any case; 0: every frame. Absent: 10. */
  readonly maxReuseAgeS?: number | undefined;
  /** The model's name on the server. Absent: the default model. */
  readonly model?: string | undefined;
  /**
   * The point at which to take over a lost stream: its `resumePoint()`. The frames begin with the one after
   * `lastFrameId`. Rules keep their state if the server still has the stream, in which case `onStarted` gets `resumed`;
   * otherwise they start anew.
   */
  readonly resume?: ResumePoint | undefined;
}

export function streamConfig({ labels, templates, rules = [], regions = [], ...rest }: ConfigOptions): StreamConfig {
  return create(StreamConfigSchema, {
    model: rest.model,
    labelSet: labelSet({ labels, templates }),
    rules: rules.map(eventRule),
    regions: [...regions],
    health: rest.health && healthPolicy(rest.health),
    overflowPolicy: rest.overflowPolicy,
    topCount: rest.topCount,
    maxFrameRate: rest.maxFrameRate,
    maxFrameGap: optionalDuration(rest.maxFrameGapS),
    originTime: rest.originTime && timestampFromDate(rest.originTime),
    reuse: { changeThreshold: rest.changeThreshold, maxAge: optionalDuration(rest.maxReuseAgeS) },
    resume: rest.resume,
  });
}

function eventRule({ minPresentS, minAbsentS, cooldownS, smoothingS, ...rest }: Rule): EventRule {
  return create(EventRuleSchema, {
    ...rest,
    minPresent: optionalDuration(minPresentS),
    minAbsent: optionalDuration(minAbsentS),
    cooldown: optionalDuration(cooldownS),
    smoothing: optionalDuration(smoothingS),
  });
}

function healthPolicy({ disabled, ignored = [], frozenAfterS, settleTimeS }: HealthOptions): HealthPolicy {
  return create(HealthPolicySchema, {
    disabled,
    ignored: [...ignored],
    frozenAfter: optionalDuration(frozenAfterS),
    settleTime: optionalDuration(settleTimeS),
  });
}

function optionalDuration(seconds: number | undefined): Duration | undefined {
  return seconds === undefined ? undefined : duration(seconds);
}
