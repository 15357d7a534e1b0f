import * as z from 'zod';
import { ArmFacts, addArms } from '#rollout/judge/facts.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { cumulativeFacts, type Settled, settledUntil } from '#rollout/stage-clock.ts';

/**
 * The end of a step that was passed: what had settled of it by then, and the periods that were still to settle, from the
 * last settled one to the moment the next shift was decided (epoch milliseconds). Nobody judges them again as rounds, but
 * they count for their own step's evidence.
 */
export const stageTailSchema = z.strictObject({
  settled: ArmFacts.pick({ canary: true, baseline: true }),
  from: z.int(),
  to: z.int(),
});
export type StageTail = Readonly<z.infer<typeof stageTailSchema>>;

/** What a step leaves to settle at the look at which it passes; nothing where all of it has. */
export const tailOf = (
  periods: readonly PeriodFacts[],
  window: Settled,
  now: number,
  periodSeconds: number,
): StageTail | undefined => {
  const to = Math.max(window.from, settledUntil(now, periodSeconds, 0));
  if (to <= window.to) return undefined;
  const { canary, baseline } = cumulativeFacts(periods, window);
  return { settled: { ...(canary && { canary }), ...(baseline && { baseline }) }, from: window.to, to };
};

/**
 * What is known by now of the step that left the tail, as soon as any of it has settled. Nothing where the source tells
 * nothing of it, this time: what an earlier look was told goes on counting.
 */
export const tailFacts = (
  tail: StageTail | undefined,
  periods: readonly PeriodFacts[],
  settled: number,
): ArmFacts | undefined => {
  if (tail === undefined || settled <= tail.from) return undefined;
  const late = cumulativeFacts(periods, { from: tail.from, to: Math.min(tail.to, settled) });
  if (late.canary === undefined && late.baseline === undefined) return undefined;
  const canary = addArms(tail.settled.canary, late.canary);
  const baseline = addArms(tail.settled.baseline, late.baseline);
  return { ...(canary && { canary }), ...(baseline && { baseline }) };
};
