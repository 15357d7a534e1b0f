import * as z from 'zod';
import type { Stage } from '#policy/plan.ts';
import { addProbes, probeCountsSchema } from '#rollout/judge/facts.ts';
import type { Settled } from '#rollout/stage-clock.ts';

/** What one look's probes found: `probes` of the new version, `baselineProbes` of the stable one. */
const lookProbesSchema = z.strictObject({
  probes: probeCountsSchema.optional(),
  baselineProbes: probeCountsSchema.optional(),
});
export type LookProbes = Readonly<z.infer<typeof lookProbesSchema>>;

/**
 * The probes of a stage so far, and of each round that is not judged yet. Nothing else keeps them: they are carried
 * from look to look. A look that is tried again starts from what the look before it left, so that what an earlier try
 * counted is forgotten with that try, and no probe counts twice.
 */
export const stageProbesSchema = z.strictObject({
  stage: lookProbesSchema,
  rounds: z.array(z.strictObject({ number: z.int().min(1), ...lookProbesSchema.shape })),
});
export type StageProbes = Readonly<z.infer<typeof stageProbesSchema>>;

const NONE: StageProbes = { stage: {}, rounds: [] };

export const addLookProbes = (one: LookProbes, other: LookProbes): LookProbes => {
  const probes = addProbes(one.probes, other.probes);
  const baselineProbes = addProbes(one.baselineProbes, other.baselineProbes);
  return { ...(probes && { probes }), ...(baselineProbes && { baselineProbes }) };
};

/** Which round of the stage's own clock a moment falls in, below 1 before the first. */
const roundAt = (now: number, from: number, { roundSeconds }: Pick<Stage, 'roundSeconds'>): number =>
  Math.floor((now - from) / (roundSeconds * 1_000)) + 1;

/**
 * The stage's probes with one more look's, made at `now`. Those made before the first whole period count for the stage
 * alone. Rounds already judged are dropped, so that this stays as small as settling is short.
 */
export const withLook = (
  before: StageProbes | undefined,
  look: LookProbes,
  now: number,
  window: Pick<Settled, 'from'>,
  stage: Pick<Stage, 'roundSeconds'>,
  lastRound: number,
): StageProbes => {
  const { stage: total, rounds } = before ?? NONE;
  const open = rounds.filter(({ number }) => number > lastRound);
  const number = roundAt(now, window.from, stage);
  const isNothing = look.probes === undefined && look.baselineProbes === undefined;
  if (isNothing || number < 1 || number <= lastRound)
    return { stage: addLookProbes(total, look), rounds: open };
  const round = open.find((other) => other.number === number);
  const others = open.filter((other) => other !== round);
  return {
    stage: addLookProbes(total, look),
    rounds: [...others, { number, ...addLookProbes(round ?? {}, look) }],
  };
};

/** What is known of one round's probes. */
export const probesOfRound = (probes: StageProbes | undefined, number: number): LookProbes => {
  const found = probes?.rounds.find((round) => round.number === number);
  return found === undefined ? {} : addLookProbes(found, {});
};
