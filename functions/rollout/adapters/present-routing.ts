import { isNamed } from '#platform/aws-errors.ts';
import { NotFoundError } from '#platform/errors.ts';
import type { Target } from '#policy/target.ts';
import type { Routing, TrafficShifter } from '#rollout/traffic-shifter.ts';

/** Where a target's traffic is; undefined where there is no such target, which for whoever only looks is an answer. */
export const presentRouting =
  ({ readRouting }: Pick<TrafficShifter<Target>, 'readRouting'>) =>
  async (target: Target): Promise<Routing | undefined> => {
    try {
      return await readRouting(target);
    } catch (error) {
      if (error instanceof NotFoundError || isNamed(error, 'ResourceNotFoundException')) return undefined;
      throw error;
    }
  };
