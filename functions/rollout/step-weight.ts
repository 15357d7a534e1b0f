import type { ReadyWave } from '#releases/ready-wave.ts';
import type { Step } from '#releases/step.ts';
import type { CanaryWeight } from '#rollout/traffic-shifter.ts';

/**
 * How the target has to be for a step; undefined stands for before the first. Where a header splits callers, those who have it
 * get the canary by the testers' rule, at a weight of 0.
 */
export const weightOfStep = ({ version, snapshot }: ReadyWave, step: Step | undefined): CanaryWeight => {
  const { split, weightPercent = 0 } = step ?? {};
  const between = { stable: snapshot.stableVersion, canary: version };
  switch (split) {
    case undefined:
      return { ...between, weightPercent };
    case 'cookie':
      return { ...between, weightPercent, sticky: true };
    case 'header':
      return { ...between, weightPercent: 0, preview: true };
    default:
      return split satisfies never;
  }
};
