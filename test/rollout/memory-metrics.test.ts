import { aWave, CANARY, checkoutTarget, STABLE } from '../builders/release.ts';
import { memoryMetrics } from '../fakes/memory-metrics.ts';
import { metricSourceContract } from './metric-source-contract.ts';

metricSourceContract('in memory', () => {
  const source = memoryMetrics();
  return {
    source,
    definition: aWave().metrics,
    arms: { target: checkoutTarget, canary: CANARY, baseline: STABLE },
    put: source.put,
    breakDown: () => {
      source.down = true;
    },
  };
});
