import { expect, it } from 'vitest';
import { lookIntervalSeconds } from '#releases/look-interval.ts';
import { aRelease, aWave } from '../builders/release.ts';

const waves = [10, 300].map((periodSeconds) => aWave({ metrics: { ...aWave().metrics, periodSeconds } }));

it.each([
  ['as often as the stage asks, where the metrics are finer', 0, 30, 30],
  ['as often as there are metrics, where they are coarser', 1, 30, 300],
  ['as often as the stage asks of a target whose own metrics are as fine', 0, 10, 10],
])('a release is looked at %s', (_, wave, atLeast, seconds) => {
  expect(lookIntervalSeconds(aRelease({ waves }), { wave, kind: 'stage' }, atLeast, 7_200)).toBe(seconds);
});
