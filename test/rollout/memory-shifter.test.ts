import { CANARY, checkoutTarget, NEXT, STABLE } from '../builders/release.ts';
import { memoryShifter } from '../fakes/memory-shifter.ts';
import { trafficShifterContract } from './traffic-shifter-contract.ts';

trafficShifterContract('in memory', () => {
  const shifter = memoryShifter({ versions: [STABLE, CANARY, NEXT], target: checkoutTarget });
  return {
    shifter,
    drift: () => shifter.restore(checkoutTarget, NEXT),
    target: checkoutTarget,
    missingTarget: { ...checkoutTarget, alias: 'nowhere' },
    stable: STABLE,
    canary: CANARY,
    other: NEXT,
    missing: '99',
  };
});
