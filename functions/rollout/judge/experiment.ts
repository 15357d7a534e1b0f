import * as z from 'zod';
import { lnEvidence } from '#rollout/judge/e-value.ts';
import type { ExperimentPolicy } from '#rollout/judge/experiment-policy.ts';
import { type ArmFacts, goalOf, type Proportion } from '#rollout/judge/facts.ts';
import { evidenceText, numberText, percentText, pointsText } from '#rollout/judge/figures.ts';
import {
  anytimeInterval,
  difference,
  type Interval,
  plannedInterval,
} from '#rollout/judge/proportion-difference.ts';
import { type Reason, reasonSchema } from '#rollout/judge/reasons.ts';

/** Chance that a split which is as planned is ever called broken; small, because that voids weeks. */
const SAMPLE_RATIO_ALPHA = 0.001;
/** Weight of the prior in the split's test: about the size at which a split that is off by a few percent matters. */
const SAMPLE_RATIO_CONCENTRATION = 1_000;
const WEEK_SECONDS = 604_800;

export interface ExperimentFacts {
  /** Seconds of settled data since the experiment began. */
  readonly judgedSeconds: number;
  /** The canary's share of what is assigned to the two arms; between 0 and 100. */
  readonly weightPercent: number;
  /** Everything settled since the experiment began, both arms. */
  readonly cumulative: Pick<ArmFacts, 'canary' | 'baseline'>;
}

/**
 * What an experiment has shown so far. `difference` is the canary's share of goals less the stable version's, with its
 * interval; with a fixed horizon both are kept back until then, because who sees them before decides on them.
 */
export const experimentResultSchema = z.strictObject({
  verdict: z.enum(['running', 'concluded']),
  winner: z.enum(['canary', 'stable', 'none']),
  n: z.strictObject({ canary: z.number(), stable: z.number() }),
  difference: z.number().optional(),
  interval: z.tuple([z.number(), z.number()]).optional(),
  reasons: z.array(reasonSchema),
});
export type ExperimentResult = Readonly<z.infer<typeof experimentResultSchema>>;

/**
 * Judges an A/B experiment's goal. It names a winner only from enough data, split as planned, whose interval excludes
 * every difference that is not worth it; whether the canary does harm is the health judge's question, asked beside it.
 * Needs nothing but cumulative counts, so it may go on for weeks.
 */
export function judgeExperiment(policy: ExperimentPolicy, facts: ExperimentFacts): ExperimentResult {
  if (!(facts.weightPercent > 0 && facts.weightPercent < 100))
    throw new RangeError(`an experiment needs two arms; its weight is ${facts.weightPercent} %`);
  const canary = goalOf(facts.cumulative.canary, policy.goal);
  const stable = goalOf(facts.cumulative.baseline, policy.goal);
  const n = { canary: canary?.trials ?? 0, stable: stable?.trials ?? 0 };
  const over = isOver(policy, facts, n);
  const verdict = over ? 'concluded' : 'running';
  if (canary === undefined || stable === undefined)
    return { verdict, winner: 'none', n, reasons: [goalMissing(policy, n), ...partialWeek(policy)] };

  const broken = sampleRatio(canary, stable, facts.weightPercent);
  const notes = [...broken, ...partialWeek(policy)];
  if (!over && policy.mode === 'fixed-horizon')
    return {
      verdict,
      winner: 'none',
      n,
      reasons: [...broken, waiting(policy, facts, n), ...partialWeek(policy)],
    };

  const found = {
    n,
    difference: difference(canary, stable),
    interval: [...intervalOf(policy, canary, stable, facts.weightPercent)] as [number, number],
  };
  if (Math.min(n.canary, n.stable) < policy.minimumSample)
    return { verdict, winner: 'none', ...found, reasons: [sampleSmall(policy, n), ...notes] };
  const better = betterArm(policy, found.interval);
  const said = describe(policy, canary, stable, found.interval);
  if (broken.length > 0 || better === 'none') {
    const reason = over ? noWinner(said) : waiting(policy, facts, n);
    return { verdict, winner: 'none', ...found, reasons: [...broken, reason, ...partialWeek(policy)] };
  }
  return { verdict: 'concluded', winner: better, ...found, reasons: [winnerFound(better, said), ...notes] };
}

interface Sample {
  readonly canary: number;
  readonly stable: number;
}

/** A planned sample is an end of its own where nobody has looked before it. */
function isOver({ horizon, mode }: ExperimentPolicy, { judgedSeconds }: ExperimentFacts, n: Sample): boolean {
  if (judgedSeconds >= horizon.seconds) return true;
  const planned = horizon.samplePerArm;
  return mode === 'fixed-horizon' && planned !== undefined && Math.min(n.canary, n.stable) >= planned;
}

function intervalOf(
  { mode, alpha }: ExperimentPolicy,
  canary: Proportion,
  stable: Proportion,
  weightPercent: number,
): Interval {
  switch (mode) {
    case 'fixed-horizon':
      return plannedInterval(canary, stable, alpha);
    case 'sequential':
      return anytimeInterval(canary, stable, weightPercent / 100, alpha);
  }
}

function betterArm(
  policy: ExperimentPolicy,
  [low, high]: readonly [number, number],
): ExperimentResult['winner'] {
  const worth = policy.minimumDifferencePoints / 100;
  const [higher, lower] =
    policy.better === 'more' ? (['canary', 'stable'] as const) : (['stable', 'canary'] as const);
  if (low > worth) return higher;
  return high < -worth ? lower : 'none';
}

/**
 * Whether the arms got what the split says, by the test that may be looked at any time (M. Lindon and A. Malek, NeurIPS 2022,
 * arXiv 2011.03567, made for this). A split that is off means that somebody is missing from an arm, and not by chance.
 */
function sampleRatio(canary: Proportion, stable: Proportion, weightPercent: number): Reason[] {
  const planned = weightPercent / 100;
  const tally = { canary: canary.trials, other: stable.trials };
  const { lnE2 } = lnEvidence(tally, planned, SAMPLE_RATIO_CONCENTRATION);
  if (lnE2 < -Math.log(SAMPLE_RATIO_ALPHA)) return [];
  const share = canary.trials / (canary.trials + stable.trials);
  return [
    {
      code: 'sample-ratio-mismatch',
      text: `nobody can win: ${percentText(share)} of the sample is on the canary where ${percentText(planned)} is planned, E = ${evidenceText(lnE2)}; find out who is missing before a new experiment`,
      facts: { share, planned, canary: canary.trials, stable: stable.trials, lnE2 },
    },
  ];
}

function goalMissing({ goal }: ExperimentPolicy, n: Sample): Reason {
  return {
    code: 'goal-missing',
    text: `no count of the goal ${goal} on ${n.canary === 0 ? 'the canary' : 'the stable version'}`,
    facts: { goal, ...n },
  };
}

function sampleSmall({ minimumSample }: ExperimentPolicy, n: Sample): Reason {
  return {
    code: 'sample-small',
    text: `no winner: a sample of ${numberText(n.canary)} and ${numberText(n.stable)}, at least ${numberText(minimumSample)} on each arm are needed`,
    facts: { ...n, minimum: minimumSample },
  };
}

function waiting({ horizon, mode }: ExperimentPolicy, { judgedSeconds }: ExperimentFacts, n: Sample): Reason {
  const planned = mode === 'fixed-horizon' ? horizon.samplePerArm : undefined;
  const sample = `${numberText(n.canary)} and ${numberText(n.stable)}${planned === undefined ? '' : ` of ${numberText(planned)} each`}`;
  return {
    code: 'experiment-open',
    text: `${numberText(judgedSeconds)} of ${numberText(horizon.seconds)} s, a sample of ${sample}`,
    facts: { judgedSeconds, horizonSeconds: horizon.seconds, ...n, samplePerArm: planned ?? null },
  };
}

/** Weekdays differ from weekends more than most versions do. */
function partialWeek({ horizon }: ExperimentPolicy): Reason[] {
  const weeks = horizon.seconds / WEEK_SECONDS;
  if (Number.isInteger(weeks)) return [];
  return [
    {
      code: 'horizon-partial-week',
      text: `the horizon of ${numberText(Number(weeks.toPrecision(2)))} weeks is not a whole number of weeks: some weekdays count more than others`,
      facts: { horizonSeconds: horizon.seconds },
    },
  ];
}

interface Said {
  readonly text: string;
  readonly facts: Reason['facts'];
}

function describe(
  { goal, alpha }: ExperimentPolicy,
  canary: Proportion,
  stable: Proportion,
  [low, high]: readonly [number, number],
): Said {
  const share = ({ events, trials }: Proportion) =>
    `${percentText(events / trials)} (${numberText(events)} of ${numberText(trials)})`;
  const found = difference(canary, stable);
  return {
    text: `${goal} ${share(canary)} on the canary, ${share(stable)} on the stable version, ${pointsText(found)} points (${pointsText(low)} to ${pointsText(high)})`,
    facts: {
      goal,
      good: [canary.events, stable.events],
      total: [canary.trials, stable.trials],
      difference: found,
      interval: [low, high],
      alpha,
    },
  };
}

function winnerFound(winner: 'canary' | 'stable', { text, facts }: Said): Reason {
  return {
    code: 'experiment-won',
    text: `the ${winner === 'canary' ? 'canary' : 'stable version'} wins: ${text}`,
    facts: { winner, ...facts },
  };
}

function noWinner({ text, facts }: Said): Reason {
  return { code: 'experiment-undecided', text: `no winner: ${text}`, facts };
}
