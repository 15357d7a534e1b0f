import { type ArmFacts, addArms, errorsOf, type Proportion, slowOf } from '#rollout/judge/facts.ts';
import { scoreHealth } from '#rollout/judge/health-score.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import type { Seen } from './simulated-rollout.ts';

const policy = judgePolicySchema.parse({});
const MINUTE = 60;

/** What other judges make of a release that nobody stops: the second at which each would have rolled it back. */
export type PlainRule = (seen: Seen) => number | undefined;

/** Judges without statistics, or with statistics that may be looked at only once, on the data that ours judges. */
export const PLAIN_RULES = {
  /** A z-test at 1 % of errors and of requests slower than 200 ms, half of it each, at every look: what a p-value does that is watched. */
  'z-test a look': ({ looks }) => {
    let sofar: Moment | undefined;
    return firstOf(looks, (look) => {
      sofar = sofar?.stage === look.stage ? { ...look, facts: addBoth(sofar.facts, look.facts) } : look;
      const { canary, baseline } = sofar.facts;
      return (
        isSignificant(errorsOf(canary), errorsOf(baseline)) ||
        isSignificant(slowOf(canary, 200), slowOf(baseline, 200))
      );
    });
  },
  '2 rounds over': ({ rounds }) =>
    firstOf(rounds, (round, index) => {
      const before = rounds[index - 1];
      return before?.stage === round.stage && isOverLimit(before.facts) && isOverLimit(round.facts);
    }),
  'score < 85': ({ rounds }) =>
    firstOf(rounds, (at, index) => {
      const stage = rounds.slice(0, index + 1).filter((round) => round.stage === at.stage);
      const scores = stage.flatMap(({ facts }) => pointScore(facts) ?? []);
      return scores.reduce((sum, score) => sum + score, 0) < 85 * scores.length;
    }),
  'p95 +20 %': ({ rounds }) => firstOf(rounds, ({ facts }) => p95Increase(facts) > 0.2),
  /**
   * As Flagger's documentation sets it up: once a minute 99 % of requests must succeed and p99 be within a limit (a second
   * here, since half a second would fail every version of this service); the fifth failed check rolls back.
   */
  Flagger: ({ looks }) => {
    let failed = 0;
    return firstOf(minutesOf(looks), ({ facts: { canary } }) => {
      const [errors, slow] = [errorsOf(canary), slowOf(canary, 1_000)];
      failed += Number(share(errors) > 0.01) + Number(share(slow) > 0.01);
      return failed >= 5;
    });
  },
  /** CodeDeploy has no rule but CloudWatch alarms; this is the one of AWS SAM's example: any error in two minutes running. */
  'alarm > 0': ({ looks }) => twoMinutes(looks, ({ canary }) => (canary?.errors ?? 0) > 0),
  /** The same with a limit that a busy service can keep. */
  'alarm > 5 %': ({ looks }) => twoMinutes(looks, ({ canary }) => share(errorsOf(canary)) > 0.05),
} as const satisfies Readonly<Record<string, PlainRule>>;

interface Moment {
  readonly stage: number;
  readonly second: number;
  readonly facts: ArmFacts;
}

function firstOf(moments: readonly Moment[], isBad: (moment: Moment, index: number) => boolean) {
  return moments.find((moment, index) => isBad(moment, index))?.second;
}

function addBoth(one: ArmFacts, other: ArmFacts): ArmFacts {
  const [canary, baseline] = [addArms(one.canary, other.canary), addArms(one.baseline, other.baseline)];
  return { ...(canary && { canary }), ...(baseline && { baseline }) };
}

function minutesOf(looks: readonly Moment[]): Moment[] {
  const minutes = Map.groupBy(looks, ({ second }) => Math.ceil(second / MINUTE));
  return [...minutes.values()].flatMap((inMinute) => {
    const last = inMinute.at(-1);
    const facts = inMinute.reduce<ArmFacts>((sum, look) => addBoth(sum, look.facts), {});
    return last === undefined ? [] : [{ ...last, facts }];
  });
}

function twoMinutes(looks: readonly Moment[], isBad: (facts: ArmFacts) => boolean): number | undefined {
  const minutes = minutesOf(looks);
  return firstOf(minutes, ({ facts }, index) => {
    const before = minutes[index - 1];
    return before !== undefined && isBad(before.facts) && isBad(facts);
  });
}

/** z of the pooled two-proportion test above its 0.5 % point. */
function isSignificant(canary: Proportion | undefined, baseline: Proportion | undefined): boolean {
  if (canary === undefined || baseline === undefined) return false;
  const pooled = (canary.events + baseline.events) / (canary.trials + baseline.trials);
  const variance = pooled * (1 - pooled) * (1 / canary.trials + 1 / baseline.trials);
  return share(canary) - share(baseline) > 2.5758 * Math.sqrt(variance);
}

function share(proportion: Proportion | undefined): number {
  return proportion === undefined ? 0 : proportion.events / proportion.trials;
}

function isOverLimit(facts: ArmFacts): boolean {
  return share(errorsOf(facts.canary)) > 0.01 || p95Increase(facts) > 0.2;
}

function p95Increase({ canary, baseline }: ArmFacts): number {
  const [p95, reference] = [canary?.latencyMs?.p95, baseline?.latencyMs?.p95];
  return p95 === undefined || reference === undefined ? 0 : p95 / reference - 1;
}

/** The health score with its limits as they stand, whatever the baseline's own health. */
function pointScore({ canary, baseline, probes }: ArmFacts): number | undefined {
  const reference = baseline?.latencyMs === undefined ? {} : { counts: { latencyMs: baseline.latencyMs } };
  const health = scoreHealth({ counts: canary, probes }, reference, undefined, policy);
  return health.coverage === 'inconclusive' ? undefined : health.score;
}
