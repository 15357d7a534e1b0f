import * as z from 'zod';
import { type Plan, planOf, stageDeadlineSeconds } from '../functions/policy/plan.ts';
import { type Step, stepsOf } from '../functions/releases/step.ts';
import { policyOfStep } from '../functions/rollout/experiment-look.ts';
import {
  type ArmCounts,
  type ArmFacts,
  addArms,
  addProbes,
  armFactsSchema,
  type BaselineHistory,
  baselineHistorySchema,
  type ProbeCounts,
} from '../functions/rollout/judge/facts.ts';
import { judgeLook } from '../functions/rollout/judge/judge-look.ts';
import type { JudgePolicy } from '../functions/rollout/judge/judge-policy.ts';
import { guardAlarmSchema, type LookResult, type StagePlan } from '../functions/rollout/judge/look.ts';
import {
  initialStageState,
  nextStageState,
  type StageState,
} from '../functions/rollout/judge/stage-state.ts';

/**
 * One look of an offline replay. Counts are since the previous look of the stage; every member may be left out: `stage` and
 * `weightPercent` then stay as they were. `cumulative` takes the place of all that the stage's lines have told so far; `before` is
 * what is known by now of the stage before, whose data settles late. `history` holds from its line on, `alarms` for its line.
 */
export const lookLineSchema = z
  .strictObject({
    at: z.iso.datetime({ offset: true }).optional(),
    stage: z.int().min(0).optional(),
    weightPercent: z.number().gt(0).max(100).optional(),
    endOfRound: z.boolean().optional(),
    ...armFactsSchema.shape,
    cumulative: armFactsSchema.optional(),
    before: armFactsSchema.pick({ canary: true, baseline: true }).optional(),
    history: baselineHistorySchema.optional(),
    alarms: z.array(guardAlarmSchema).optional(),
  })
  .superRefine(({ canary, baseline, probes, baselineProbes, cumulative, before }, context) => {
    const impossible = [
      ...moreThanRequests('canary', canary),
      ...moreThanRequests('baseline', baseline),
      ...moreThanRequests('cumulative.canary', cumulative?.canary),
      ...moreThanRequests('cumulative.baseline', cumulative?.baseline),
      ...moreThanRequests('before.canary', before?.canary),
      ...moreThanRequests('before.baseline', before?.baseline),
      ...moreThanTotal('canary', canary),
      ...moreThanTotal('baseline', baseline),
      ...moreThanAttempts('probes', probes),
      ...moreThanAttempts('baselineProbes', baselineProbes),
    ];
    for (const { path, message } of impossible) context.addIssue({ code: 'custom', path, message });
  });
export type LookLine = z.infer<typeof lookLineSchema>;

interface Impossible {
  readonly path: string[];
  readonly message: string;
}

function moreThanRequests(name: string, arm: ArmCounts | undefined): Impossible[] {
  const requests = arm?.requests;
  if (arm === undefined || requests === undefined) return [];
  const counts: [string[], number | undefined][] = [
    [['errors'], arm.errors],
    ...Object.entries(arm.slowerThan ?? {}).map(([bound, slow]): [string[], number] => [
      ['slowerThan', bound],
      slow,
    ]),
  ];
  return counts
    .filter(([, count]) => count !== undefined && count > requests)
    .map(([path, count]) => ({ path: [name, ...path], message: `${count} of ${requests} requests` }));
}

function moreThanTotal(name: string, arm: ArmCounts | undefined): Impossible[] {
  return Object.entries(arm?.goals ?? {})
    .filter(([, { good, total }]) => good > total)
    .map(([goal, { good, total }]) => ({ path: [name, 'goals', goal], message: `${good} of ${total}` }));
}

function moreThanAttempts(name: string, probes: ProbeCounts | undefined): Impossible[] {
  if (probes === undefined || probes.successes <= probes.attempts) return [];
  return [{ path: [name, 'successes'], message: `${probes.successes} of ${probes.attempts} attempts` }];
}

/** What a replay remembers between looks. */
export interface Replay {
  readonly policy: JudgePolicy;
  /** Without a plan the standard one, and rounds like its first for stages that it doesn't have. */
  readonly plan: Plan | undefined;
  readonly stage: number;
  readonly weightPercent: number | undefined;
  /** Epoch milliseconds of the stage's first look that told its time. */
  readonly stageBegan: number | undefined;
  readonly cumulative: ArmFacts;
  readonly round: ArmFacts;
  readonly roundsOver: number;
  readonly history: BaselineHistory | undefined;
  readonly state: StageState;
}

export function beginReplay(policy: JudgePolicy, plan: Plan | undefined): Replay {
  return { policy, plan, ...freshStage(0), history: undefined, state: initialStageState() };
}

function freshStage(stage: number) {
  return {
    stage,
    weightPercent: undefined,
    stageBegan: undefined,
    cumulative: {},
    round: {},
    roundsOver: 0,
  };
}

/** A line that a replay can't take, though each of its members is well-formed. */
export class ImpossibleLook extends Error {
  override readonly name = 'ImpossibleLook';
}

/** Judges one line with the function that the deployed judge calls, and remembers it. */
export function replayLook(
  before: Replay,
  line: LookLine,
): { readonly result: LookResult; readonly after: Replay } {
  const replay = enterStage(before, line);
  const at = line.at === undefined ? undefined : Date.parse(line.at);
  const stageBegan = replay.stageBegan ?? at;
  const weightPercent = line.weightPercent ?? replay.weightPercent ?? planned(replay)?.weightPercent;
  if (weightPercent === undefined) throw new ImpossibleLook('weightPercent is missing and no plan tells it');
  if (line.before !== undefined && replay.stage === 0)
    throw new ImpossibleLook('before is about the stage before, and there is none');
  const stage = stageOf(replay, weightPercent);
  const step = planned(replay);
  const cumulative = line.cumulative ?? addFacts(replay.cumulative, line);
  const round = addFacts(replay.round, line);
  const roundsOver = replay.roundsOver + (line.endOfRound === true ? 1 : 0);
  const history = line.history ?? replay.history;
  const result = judgeLook({
    policy: step === undefined ? replay.policy : policyOfStep(replay.policy, step),
    stage,
    facts: {
      judgedSeconds: roundsOver * stage.roundSeconds,
      cumulative,
      ...(line.before && { before: line.before }),
      rounds: line.endOfRound === true ? [{ number: roundsOver, ...round }] : [],
      ...(history && { history }),
    },
    deadline: isPast(replay, stage, stageBegan, at) ? 'passed' : 'open',
    ...(line.alarms && { alarms: line.alarms }),
    state: replay.state,
  });
  const remembered = {
    ...replay,
    stageBegan,
    weightPercent,
    cumulative,
    roundsOver,
    history,
  };
  return {
    result,
    after: { ...remembered, round: line.endOfRound === true ? {} : round, state: result.state },
  };
}

/** The next stage begins with the evidence of those before it and nothing else. */
function enterStage(replay: Replay, { stage = replay.stage }: LookLine): Replay {
  if (stage < replay.stage) throw new ImpossibleLook(`stage ${stage} comes after stage ${replay.stage}`);
  if (stage === replay.stage) return replay;
  return { ...replay, ...freshStage(stage), state: nextStageState(replay.state) };
}

/** After a plan's stages comes the watch. */
function planned({ plan, stage }: Replay): Step | undefined {
  const found = stepsOf({ plan: plan ?? planOf('standard'), waves: [{ bakeSeconds: 0 }] })[stage];
  if (found === undefined && plan !== undefined) throw new ImpossibleLook(`the plan has no stage ${stage}`);
  return found;
}

function stageOf(replay: Replay, weightPercent: number): StagePlan {
  const { rounds, roundSeconds } = planned(replay) ?? { rounds: 3, roundSeconds: 60 };
  return { index: replay.stage, weightPercent, rounds, roundSeconds, final: weightPercent === 100 };
}

function isPast(
  replay: Replay,
  stage: StagePlan,
  began: number | undefined,
  at: number | undefined,
): boolean {
  if (began === undefined || at === undefined) return false;
  // An experiment is over by its question, which no look by itself tells.
  if (planned(replay)?.kind === 'experiment') return false;
  return at - began >= 1000 * stageDeadlineSeconds(replay.plan ?? planOf('standard'), stage, 0);
}

function addFacts(sum: ArmFacts, line: ArmFacts): ArmFacts {
  const canary = addArms(sum.canary, line.canary);
  const baseline = addArms(sum.baseline, line.baseline);
  const probes = addProbes(sum.probes, line.probes);
  const baselineProbes = addProbes(sum.baselineProbes, line.baselineProbes);
  return {
    ...(canary && { canary }),
    ...(baseline && { baseline }),
    ...(probes && { probes }),
    ...(baselineProbes && { baselineProbes }),
  };
}
