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

/** When to say ENTERED and EXITED; see the proto's EventRule. All times are seconds of frame time. */
export interface Rule {
  /** The name of one of the labels. */
  readonly label: string;
  /** A score of at least this counts towards ENTERED; in (0, 1]. */
  readonly enterAt: number;
  /** A score of less than this counts towards EXITED; in (0, enterAt]. Absent: `enterAt`. */
  readonly exitBelow?: number | undefined;
  /** Names the rule in its events; unique. Absent: the label's name. */
  readonly id?: string | undefined;
  /** The id of one of the regions. Absent: the whole frame, which is only there when there are no regions. */
  readonly region?: string | undefined;
  /** The score to look at. Absent: the probability. */
  readonly score?: ScoreKind | undefined;
  /** How long the score must have been high before ENTERED. Absent: one frame is enough. */
  readonly minPresentS?: number | undefined;
  /** How long the score must have been low before EXITED. Absent: one frame is enough. */
  readonly minAbsentS?: number | undefined;
  /** For how long after EXITED no ENTERED is said. Absent: not at all. */
  readonly cooldownS?: number | undefined;
  /** The half-life of an exponential smoothing of the score. Absent: no smoothing. */
  readonly smoothingS?: number | undefined;
  /** How many of the last scores an event brings along in its `trail`, at most. Absent: it has no trail. */
  readonly trailCount?: number | undefined;
}

/** A part of the frame, in fractions of its width and height: the proto's Region. */
export type RegionInput = MessageInitShape<typeof RegionSchema>;

/** When rules don't trust the pictures; see the proto's HealthPolicy. */
export interface HealthOptions {
  /** Pictures are not judged. */
  readonly disabled?: boolean | undefined;
  /** Problems that don't count. */
  readonly ignored?: readonly HealthProblem[] | undefined;
  /** How long a picture must stay the very same to be frozen, in seconds; greater than 0. Absent: 10. */
  readonly frozenAfterS?: number | undefined;
  /** How long pictures must have a problem before SUSPENDED, and be good before RESUMED, in seconds. Absent: 1. */
  readonly settleTimeS?: number | undefined;
}

/**
 * From where a lost stream is taken over: the proto's Resume, with the stream's token, the last frame whose result came
 * and the last event that came.
 */
export type ResumePoint = MessageInitShape<typeof ResumeSchema>;

/** What to watch for. */
export interface ConfigOptions extends LabelOptions {
  /** Ids unique. None: scores only. */
  readonly rules?: readonly Rule[] | undefined;
  /** The parts of each frame that are scored by themselves, up to 64; ids unique. None: the whole frame. */
  readonly regions?: readonly RegionInput[] | undefined;
  /** When rules don't trust the pictures. Absent: the server's defaults. */
  readonly health?: HealthOptions | undefined;
  /** What happens to frames that come faster than they are scored. Default: BLOCK, which loses none. */
  readonly overflowPolicy?: OverflowPolicy | undefined;
  /** How many of the best labels a result carries; 0 and absent: all. */
  readonly topCount?: number | undefined;
  /** Frames a second in frame time above which frames are dropped. Absent: no limit. */
  readonly maxFrameRate?: number | undefined;
  /** The longest gap between frames that counts towards a rule's times, in seconds. Absent: 10. */
  readonly maxFrameGapS?: number | undefined;
  /** The wall time of time offset 0; events then carry wall times too. */
  readonly originTime?: Date | undefined;
  /**
   * A frame that differs by less than this from the last one that the model saw gets its scores; 0 to 1, about 0.05 for
   * most cameras. 0 and absent: only one that is the same file.
   */
  readonly changeThreshold?: number | undefined;
  /** The model sees a frame at least this often, in seconds of frame time; 0: every frame. Absent: 10. */
  readonly maxReuseAgeS?: number | undefined;
  /** As the server names it. Absent: its default model. */
  readonly model?: string | undefined;
  /**
   * From where to take over a stream that was lost: its `resumePoint()`. The frames begin with the one after
   * `lastFrameId`. Rules go on from where they were if the server still has the stream, which `onStarted` is told as
   * `resumed`; else they start anew.
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

function eventRule({ region, score, minPresentS, minAbsentS, cooldownS, smoothingS, ...rest }: Rule): EventRule {
  return create(EventRuleSchema, {
    ...rest,
    regionId: region,
    scoreKind: score,
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
