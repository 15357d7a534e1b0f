import type { Target } from '#policy/target.ts';
import type { CarriedTargets } from '#rollout/restore.ts';
import { describeRouting, isAlone } from '#rollout/routing.ts';
import type { TrafficShifter } from '#rollout/traffic-shifter.ts';

/** What became of one target's traffic. */
export interface Rescued {
  readonly wave: string;
  readonly stableVersion: string;
  /** All traffic was read back at the stable version. */
  readonly verified: boolean;
  readonly text: string;
}

/** A workflow that still runs may be setting a weight just now; the write after that wins. */
const TRIES = 3;

const rescueOne = async (
  shifter: TrafficShifter<Target>,
  { name, target, stableVersion }: CarriedTargets['waves'][number],
): Promise<Rescued> => {
  const told = (verified: boolean, text: string): Rescued => ({ wave: name, stableVersion, verified, text });
  let trouble = '';
  for (let attempt = 1; attempt <= TRIES; attempt += 1)
    try {
      await shifter.restore(target, stableVersion);
      const routing = await shifter.readRouting(target);
      if (isAlone(routing, stableVersion)) return told(true, `all traffic is on ${stableVersion}, read back`);
      trouble = `traffic is at ${describeRouting(routing)} after it was set to ${stableVersion}`;
    } catch (error) {
      trouble = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    }
  return told(false, trouble);
};

/**
 * Brings all traffic to where the copy says it belongs, with whatever rights its caller has: no state, no fence, no
 * ledger. For when Sluice itself is down; anything of it that still runs finds the traffic moved and restores too.
 */
export const rescueTraffic = (
  shifter: TrafficShifter<Target>,
  { waves }: CarriedTargets,
): Promise<readonly Rescued[]> => Promise.all(waves.map((wave) => rescueOne(shifter, wave)));
