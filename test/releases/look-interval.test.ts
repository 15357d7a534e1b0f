import { expect, it } from 'vitest';
import { lookIntervalSeconds, slowestIntervalSeconds } from '#releases/look-interval.ts';
import { experimentPlan } from '../builders/experiment.ts';
import { aRelease, aWave } from '../builders/release.ts';

const waves = [10, 300].map((periodSeconds) => aWave({ metrics: { ...aWave().metrics, periodSeconds } }));

it.each([
  ['as often as the stage asks, where the metrics are finer', 0, 30, 30],
  ['as often as there are metrics, where they are coarser', 1, 30, 300],
  ['as often as the stage asks of a target whose own metrics are as fine', 0, 10, 10],
])('a release is looked at %s', (_, wave, atLeast, seconds) => {
  expect(lookIntervalSeconds(aRelease({ waves }), { wave, kind: 'stage' }, atLeast, 7_200)).toBe(seconds);
});

it.each([
  ['as any release in its first hour, when what breaks does', 'experiment', 3_599, 30],
  ['as rarely as it says from then on', 'experiment', 3_600, 300],
  ['as any release again, once its version has won', 'stage', 3_600, 30],
] as const)('an experiment is looked at %s', (_, kind, since, seconds) => {
  const release = aRelease({ waves, plan: experimentPlan() });
  expect(lookIntervalSeconds(release, { wave: 0, kind }, 30, since)).toBe(seconds);
  expect(slowestIntervalSeconds(release, { wave: 0, kind: 'experiment' }, 30)).toBe(300);
});
