import * as z from 'zod';
import { lnEvidence } from '#rollout/judge/e-value.ts';
import { plannedSample, type SampleNeeded } from '#rollout/judge/experiment-plan.ts';
import type { ExperimentPolicy } from '#rollout/judge/experiment-policy.ts';
import { armFactsSchema, goalOf, type Proportion } from '#rollout/judge/facts.ts';
import { evidenceText, numberText, percentText, pointsText } from '#rollout/judge/figures.ts';
import {
  anytimeInterval,
  difference,
  type Interval,
  lnEvidenceOfDifference,
  plannedInterval,
  plannedP,
} from '#rollout/judge/proportion-difference.ts';
import { type Reason, reasonSchema } from '#rollout/judge/reasons.ts';

/** Chance that a split which is as planned is ever called broken; small, because that voids weeks. */
const SAMPLE_RATIO_ALPHA = 0.001;
/** Weight of the prior in the split's test: about the size at which a split that is off by a few percent matters. */
const SAMPLE_RATIO_CONCENTRATION = 1_000;
const WEEK_SECONDS = 604_800;

export const experimentFactsSchema = z.strictObject({
  /** Seconds of settled data since the experiment began. */
  judgedSeconds: z.number().min(0),
  /** The canary's share of what is assigned to the two arms; between 0 and 100. */
  weightPercent: z.number(),
  /** Everything settled since the experiment began, both arms. */
  cumulative: armFactsSchema.pick({ canary: true, baseline: true }),
});
export type ExperimentFacts = Readonly<z.infer<typeof experimentFactsSchema>>;

/**
 * What an experiment has shown so far. `difference` is the canary's share of goals less the stable version's, with its
 * interval; with a fixed horizon both are kept back until then, because who sees them before decides on them.
 */
export const experimentResultSchema = z.strictObject({
  verdict: z.enum(['running', 'concluded']),
  winner: z.enum(['canary', 'stable', 'none']),
  /** Once it is concluded. `no-difference`: none that was to be found. `no-decision`: too little is known to say even that. */
  decision: z.enum(['canary', 'stable', 'no-difference', 'no-decision']).optional(),
  /** Whether what was seen suffices for an answer: who is short of data has none, and above all no winner. */
  enough: z.boolean(),
  n: z.strictObject({ canary: z.number(), stable: z.number() }),
  /** Of these, how many reached the goal. */
  reached: z.strictObject({ canary: z.number(), stable: z.number() }).optional(),
  difference: z.number().optional(),
  interval: z.tuple([z.number(), z.number()]).optional(),
  /** That there is no difference: of one look at the planned moment. */
  p: z.number().optional(),
  /** ln of the evidence that there is one, valid at all looks: a sequential experiment's. */
  lnE: z.number().optional(),
  reasons: z.array(reasonSchema),
});
export type ExperimentResult = Readonly<z.infer<typeof experimentResultSchema>>;

/**
 * Judges an A/B experiment's goal. It names a winner only from enough data, split as planned, whose interval excludes
 * every difference that is not worth it; whether the canary does harm is the health judge's question, asked beside it.
 * Needs nothing but cumulative counts, so it may go on for weeks.
 */
export function judgeExperiment(policy: ExperimentPolicy, facts: ExperimentFacts): ExperimentResult {
  const { canary, stable, n } = armsOfGoal(policy, facts);
  const planned = plannedSample(policy, facts.weightPercent / 100);
  const over = isOver(policy, facts, n, planned);
  const open = { verdict: 'running', winner: 'none', enough: false, n } as const;
  const undecided = {
    verdict: 'concluded',
    winner: 'none',
    decision: 'no-decision',
    enough: false,
    n,
  } as const;
  const nobody = over ? undecided : open;
  if (canary === undefined || stable === undefined)
    return { ...nobody, reasons: [goalMissing(policy, n), ...partialWeek(policy)] };

  const broken = sampleRatio(canary, stable, facts.weightPercent);
  const wait = waiting(policy, facts, n, planned);
  if (!over && policy.mode === 'fixed-horizon')
    return { ...open, reasons: [...broken, wait, ...partialWeek(policy)] };

  const found = measured(policy, canary, stable, facts.weightPercent);
  if (Math.min(n.canary, n.stable) < policy.minimumSample)
    return { ...nobody, ...found, reasons: [sampleSmall(policy, n), ...broken, ...partialWeek(policy)] };
  const better = betterArm(policy, found.interval);
  const said = describe(policy, canary, stable, found.interval);
  if (broken.length === 0 && better !== 'none') {
    const reasons = [winnerFound(better, said), ...partialWeek(policy)];
    return { verdict: 'concluded', winner: better, decision: better, enough: true, ...found, reasons };
  }
  if (!over) return { ...open, ...found, reasons: [...broken, wait, ...partialWeek(policy)] };
  const short = sampleShort(n, planned);
  const enough = broken.length === 0 && short.length === 0;
  return {
    ...undecided,
    decision: enough ? 'no-difference' : 'no-decision',
    enough,
    ...found,
    reasons: [...broken, noWinner(said), ...short, ...partialWeek(policy)],
  };
}

/**
 * What is known of an experiment that somebody or something ended before its time: its numbers, and no decision. With a fixed
 * horizon they are those of one look, at a moment that nobody planned.
 */
export function stopExperiment(policy: ExperimentPolicy, facts: ExperimentFacts): ExperimentResult {
  const { canary, stable, n } = armsOfGoal(policy, facts);
  const none = { verdict: 'concluded', winner: 'none', decision: 'no-decision', enough: false, n } as const;
  if (canary === undefined || stable === undefined) return { ...none, reasons: [goalMissing(policy, n)] };
  const found = measured(policy, canary, stable, facts.weightPercent);
  return { ...none, ...found, reasons: [stopped(describe(policy, canary, stable, found.interval))] };
}

/** @throws RangeError for a weight that leaves one arm. */
function armsOfGoal(policy: ExperimentPolicy, { weightPercent, cumulative }: ExperimentFacts) {
  if (!(weightPercent > 0 && weightPercent < 100))
    throw new RangeError(`an experiment needs two arms; its weight is ${weightPercent} %`);
  const canary = goalOf(cumulative.canary, policy.goal);
  const stable = goalOf(cumulative.baseline, policy.goal);
  return { canary, stable, n: { canary: canary?.trials ?? 0, stable: stable?.trials ?? 0 } };
}

function measured(policy: ExperimentPolicy, canary: Proportion, stable: Proportion, weightPercent: number) {
  const [low, high] = intervalOf(policy, canary, stable, weightPercent);
  return {
    n: { canary: canary.trials, stable: stable.trials },
    reached: { canary: canary.events, stable: stable.events },
    difference: difference(canary, stable),
    interval: [low, high] as [number, number],
    ...(policy.mode === 'fixed-horizon'
      ? { p: plannedP(canary, stable) }
      : { lnE: lnEvidenceOfDifference(canary, stable, weightPercent / 100) }),
  };
}

interface Sample {
  readonly canary: number;
  readonly stable: number;
}

/** A planned sample is an end of its own where nobody has looked before it. */
function isOver(
  { horizon, mode }: ExperimentPolicy,
  { judgedSeconds }: ExperimentFacts,
  n: Sample,
  planned: SampleNeeded | undefined,
): boolean {
  if (judgedSeconds >= horizon.seconds) return true;
  return mode === 'fixed-horizon' && planned !== undefined && hasPlanned(n, planned);
}

function hasPlanned(n: Sample, planned: SampleNeeded | undefined): boolean {
  return planned === undefined || (n.canary >= planned.canary && n.stable >= planned.stable);
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

function waiting(
  { horizon }: ExperimentPolicy,
  { judgedSeconds }: ExperimentFacts,
  n: Sample,
  planned: SampleNeeded | undefined,
): Reason {
  const sample = `${numberText(n.canary)} and ${numberText(n.stable)}${planned === undefined ? '' : ` of ${sampleText(planned)}`}`;
  return {
    code: 'experiment-open',
    text: `${numberText(judgedSeconds)} of ${numberText(horizon.seconds)} s, a sample of ${sample}`,
    facts: {
      judgedSeconds,
      horizonSeconds: horizon.seconds,
      ...n,
      planned: planned === undefined ? null : [planned.canary, planned.stable],
    },
  };
}

function sampleText({ canary, stable }: SampleNeeded): string {
  return canary === stable ? `${numberText(canary)} each` : `${numberText(canary)} and ${numberText(stable)}`;
}

function sampleShort(n: Sample, planned: SampleNeeded | undefined): Reason[] {
  if (planned === undefined || hasPlanned(n, planned)) return [];
  return [
    {
      code: 'sample-short',
      text: `no decision: a sample of ${numberText(n.canary)} and ${numberText(n.stable)} where ${sampleText(planned)} were planned; a difference may have been missed`,
      facts: { ...n, planned: [planned.canary, planned.stable] },
    },
  ];
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

function stopped({ text, facts }: Said): Reason {
  return { code: 'experiment-stopped', text: `no decision: stopped before its end: ${text}`, facts };
}
