import { describe, expect, it } from 'vitest';
import { progressAt, stepBefore, stepsOf } from '#releases/step.ts';
import { aWave, planWith } from '../builders/release.ts';

const plan = { ...planWith(25, 100), watchSeconds: 90 };
const first = aWave();
const second = aWave({ name: 'us', bakeSeconds: 30 });
const shown = (steps: ReturnType<typeof stepsOf>) =>
  steps.map(({ kind, wave, weightPercent, rounds, roundSeconds }) => [
    kind,
    wave,
    weightPercent,
    rounds * roundSeconds,
  ]);

describe('the steps of a release', () => {
  it("are the plan's stages and then a watch", () => {
    expect(shown(stepsOf({ plan, waves: [first] }))).toEqual([
      ['stage', 0, 25, 10],
      ['stage', 0, 100, 10],
      ['watch', 0, 100, 120],
    ]);
  });

  it('are those of each wave, with a bake of the waves before in between', () => {
    const steps = stepsOf({ plan, waves: [first, second] });
    expect(shown(steps)).toEqual([
      ['stage', 0, 25, 10],
      ['stage', 0, 100, 10],
      ['bake', 0, 100, 30],
      ['stage', 1, 25, 10],
      ['stage', 1, 100, 10],
      ['watch', 1, 100, 120],
    ]);
    expect(steps.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('leave out a bake and a watch of no seconds', () => {
    const waves = [first, aWave({ name: 'us', bakeSeconds: 0 })];
    expect(stepsOf({ plan: planWith(100), waves }).map(({ kind }) => kind)).toEqual(['stage', 'stage']);
  });

  it('are none without stages, whatever else there is', () => {
    expect(stepsOf({ plan: { ...plan, stages: [] }, waves: [first, second] })).toEqual([]);
  });

  it('know what weight a wave has when one begins: that of its own last step', () => {
    const steps = stepsOf({ plan, waves: [first, second] });
    expect(steps.map(({ index, wave }) => stepBefore(steps, index, wave)?.weightPercent ?? 0)).toEqual([
      0, 25, 100, 0, 25, 100,
    ]);
    expect([0, 1].map((wave) => stepBefore(steps, steps.length, wave)?.weightPercent ?? 0)).toEqual([
      100, 100,
    ]);
  });

  it("are noted with the plan's stage, which a watch is at the end of", () => {
    const steps = stepsOf({ plan, waves: [first] });
    const [, , watch] = steps;
    expect(watch && progressAt({ plan }, steps, watch)).toEqual({
      step: 2,
      steps: 3,
      kind: 'watch',
      wave: 0,
      stage: 1,
      stages: 2,
      weightPercent: 100,
    });
  });
});
