import type { Target } from '#policy/target.ts';
import { type ReadyWave, waveFact } from '#releases/ready-wave.ts';
import type { Reason, Release } from '#releases/release.ts';
import type { Step } from '#releases/step.ts';
import { describeRouting, shareOf, TOLERANCE_PERCENT } from '#rollout/routing.ts';
import type { CanaryWeight, Routing, TrafficShifter } from '#rollout/traffic-shifter.ts';

/** What a look finds of the traffic itself, beside what the metrics say. */
export interface RoutingFound {
  /** Somebody else moved the traffic of a wave. */
  readonly drift: readonly Reason[];
  /** The traffic of a wave could not be read: no reason to do anything, and nothing to keep silent about. */
  readonly unread: readonly Reason[];
}

/** Whether both versions have the shares that the release gave them, and so nobody else has any. */
const isWhereLeft = (routing: Routing, { stable, canary, weightPercent }: CanaryWeight): boolean =>
  Math.abs(shareOf(routing, canary) - weightPercent) < TOLERANCE_PERCENT &&
  Math.abs(shareOf(routing, stable) - (100 - weightPercent)) < TOLERANCE_PERCENT;

const checkWave = async (
  shifter: Pick<TrafficShifter<Target>, 'readRouting'>,
  release: Release,
  wave: ReadyWave,
  weightPercent: number,
): Promise<RoutingFound> => {
  const { target, version: canary, snapshot } = wave;
  const left = { stable: snapshot.stableVersion, canary, weightPercent };
  const where = release.waves.length === 1 ? '' : `wave ${wave.name}: `;
  try {
    const routing = await shifter.readRouting(target);
    if (left.stable === canary || isWhereLeft(routing, left)) return { drift: [], unread: [] };
    const text = `${where}someone else moved the traffic: it is at ${describeRouting(routing)}, and this release left ${weightPercent} % with ${canary} and the rest with ${left.stable}`;
    const facts = {
      ...waveFact(release, wave),
      left,
      found: { primary: routing.primary, weights: routing.weights },
    };
    return { drift: [{ code: 'drift', text, facts }], unread: [] };
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    return {
      drift: [],
      unread: [{ code: 'routing-unread', text: `${where}where traffic goes could not be read: ${name}` }],
    };
  }
};

/** Reads the traffic of every wave that a release has reached, and compares it with what the release left there. */
export const checkRouting = async (
  shifter: Pick<TrafficShifter<Target>, 'readRouting'>,
  release: Release,
  step: Step,
  reached: readonly ReadyWave[],
): Promise<RoutingFound> => {
  const found = await Promise.all(
    reached.map((wave, index) =>
      checkWave(shifter, release, wave, index === step.wave ? step.weightPercent : 100),
    ),
  );
  return {
    drift: found.flatMap(({ drift }) => drift),
    unread: found.flatMap(({ unread }) => unread),
  };
};
