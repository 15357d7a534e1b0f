import * as z from 'zod';
import { type Counted, factsOfStep } from '#rollout/counted-facts.ts';
import { addArms, armFactsSchema } from '#rollout/judge/facts.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { cumulativeFacts, type Settled, settledUntil } from '#rollout/stage-clock.ts';

const armsSchema = armFactsSchema.pick({ canary: true, baseline: true });

/**
 * The end of a step that was passed: what had settled of it by then, and the periods that were still to settle, from the
 * last settled one to the moment the next shift was decided (epoch milliseconds). Nobody judges them again as rounds, but
 * they count for their own step's evidence. `known` is all of the step once any of those periods has settled.
 */
export const stageTailSchema = z.strictObject({
  settled: armsSchema,
  from: z.int(),
  to: z.int(),
  known: armsSchema.optional(),
});
export type StageTail = Readonly<z.infer<typeof stageTailSchema>>;

/** What a step would leave to settle if it passed now; nothing where all of it has. */
export const unsettledOf = (
  periods: readonly PeriodFacts[],
  window: Settled,
  now: number,
  periodSeconds: number,
  counted?: Counted,
): StageTail | undefined => {
  const to = Math.max(window.from, settledUntil(now, periodSeconds, 0));
  if (to <= window.to) return undefined;
  const { canary, baseline } = factsOfStep(periods, window, counted);
  return { settled: { ...(canary && { canary }), ...(baseline && { baseline }) }, from: window.to, to };
};

/** The periods to read: those of the step's own window, and before them those of a tail that is still to settle. */
export const withTail = (window: Settled, tail: StageTail | undefined): Settled => ({
  from: tail !== undefined && tail.from < tail.to ? tail.from : window.from,
  to: window.to,
});

/**
 * The tail with what has settled of it by now. A source that tells nothing of it, this time, changes nothing: what an earlier
 * look was told goes on counting. Once all of it has settled and been read, there is nothing more to read.
 */
export const settleTail = (tail: StageTail, periods: readonly PeriodFacts[], settled: number): StageTail => {
  const until = Math.min(tail.to, settled);
  if (until <= tail.from) return tail;
  const late = cumulativeFacts(periods, { from: tail.from, to: until });
  if (late.canary === undefined && late.baseline === undefined) return tail;
  const canary = addArms(tail.settled.canary, late.canary);
  const baseline = addArms(tail.settled.baseline, late.baseline);
  const known = { ...(canary && { canary }), ...(baseline && { baseline }) };
  return { ...tail, known, ...(until === tail.to && { from: tail.to }) };
};
