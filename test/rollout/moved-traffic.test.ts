import { describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { readyWaves } from '#releases/ready-wave.ts';
import { type Step, stepsOf } from '#releases/step.ts';
import { decide } from '#rollout/decide-look.ts';
import { initialStageState } from '#rollout/judge/stage-state.ts';
import { checkRouting } from '#rollout/moved-traffic.ts';
import type { CanaryWeight } from '#rollout/traffic-shifter.ts';
import { experimentPlan } from '../builders/experiment.ts';
import { aLookAt, alone } from '../builders/look.ts';
import {
  aRelease,
  aSnapshot,
  aWave,
  CANARY,
  checkoutTarget,
  NEXT,
  planWith,
  STABLE,
} from '../builders/release.ts';
import { memoryShifter } from '../fakes/memory-shifter.ts';

const release = aRelease({ snapshots: [aSnapshot()] });
const [first, full] = stepsOf(release) as [Step, Step];
const reached = readyWaves(release) ?? [];
const versions = [STABLE, CANARY, NEXT] as const;

/** A shifter with the canary at this weight. */
const at = async (weightPercent: number, canary = CANARY) => {
  const shifter = memoryShifter({ versions });
  const weight = { stable: STABLE, canary, weightPercent };
  await shifter.setWeight(checkoutTarget, weight, shifter.routing().revision);
  return shifter;
};

describe('traffic at a look', () => {
  it('is where the release left it', async () => {
    expect(await checkRouting(await at(50), release, first, reached)).toEqual({ drift: [], unread: [] });
    expect(await checkRouting(await at(100), release, full, reached)).toEqual({ drift: [], unread: [] });
  });

  it.each([
    ['taken back to the stable version', () => at(0)],
    ['set to another weight', () => at(40)],
    ['split with a third version', () => at(50, NEXT)],
    [
      'all on a third version',
      async () => {
        const shifter = await at(50);
        await shifter.promote(checkoutTarget, NEXT, shifter.routing().revision);
        return shifter;
      },
    ],
    [
      'all on the new version already',
      async () => {
        const shifter = await at(50);
        await shifter.promote(checkoutTarget, CANARY, shifter.routing().revision);
        return shifter;
      },
    ],
  ])('that somebody else moved is told with what is seen: %s', async (_, moved) => {
    const { drift, unread } = await checkRouting(await moved(), release, first, reached);
    expect(unread).toEqual([]);
    expect(drift).toMatchObject([
      {
        code: 'drift',
        text: expect.stringMatching(
          /someone else moved the traffic: it is at .*, and this release left 50 % with 2/,
        ),
        facts: { left: { stable: STABLE, canary: CANARY, weightPercent: 50 } },
      },
    ]);
  });

  it('that can not be read says so, and is no drift', async () => {
    const away = { readRouting: () => Promise.reject(new TransientError('no answer')) };
    expect(await checkRouting(away, release, first, reached)).toMatchObject({
      drift: [],
      unread: [{ code: 'routing-unread', text: expect.stringContaining('TransientError') }],
    });
  });

  it('of a wave left behind has to be all on the new version', async () => {
    const second = aWave({ name: 'second', target: { ...checkoutTarget, functionName: 'cart' } });
    const waves = [aWave(), second];
    const two = aRelease({ waves, plan: planWith(50, 100), snapshots: [aSnapshot(), aSnapshot()] });
    const step = stepsOf(two).find(({ wave }) => wave === 1);
    const both = readyWaves(two) ?? [];
    if (step === undefined) throw new Error('there is no second wave');
    const [behind, present] = [await at(100), await at(step.weightPercent)];
    const shifter = {
      readRouting: (target: { readonly kind: string; readonly functionName?: string }) =>
        Promise.resolve((target.functionName === 'cart' ? present : behind).routing()),
    };
    expect(await checkRouting(shifter as never, two, step, both)).toEqual({ drift: [], unread: [] });
    await behind.restore(checkoutTarget, STABLE);
    expect((await checkRouting(shifter as never, two, step, both)).drift).toMatchObject([
      { text: expect.stringContaining('wave first: someone else moved'), facts: { wave: 'first' } },
    ]);
  });
});

describe('a look at traffic that somebody else moved', () => {
  const judged = alone({
    verdict: 'promote',
    score: 100,
    evidence: { lnE: 0, threshold: 4.6, tests: [], stage: {} },
    rounds: [],
    reasons: [],
    state: initialStageState(),
  });
  const [stage] = release.plan.stages;
  if (stage === undefined) throw new Error('the plan has stages');

  it('brings it back, however well the new version does', () => {
    const drift = [{ code: 'drift', text: 'someone else moved the traffic' }];
    expect(decide(aLookAt(stage, {}, { routing: { drift, unread: [] } }), judged)).toMatchObject({
      verdict: 'restore',
      reasons: drift,
    });
  });

  it('goes on when it could not be read, and says so', () => {
    const unread = [{ code: 'routing-unread', text: 'where traffic goes could not be read' }];
    const decision = decide(aLookAt(stage, {}, { routing: { drift: [], unread } }), judged);
    expect(decision).toMatchObject({ verdict: 'promote', reasons: unread });
  });
});

describe('traffic at a look at an experiment', () => {
  const split = (by: 'cookie' | 'header') => {
    const one = { ...release, plan: experimentPlan({ split: { by, weightPercent: 50 } }) };
    const [step] = stepsOf(one);
    if (step === undefined) throw new Error('an experiment is a step');
    return { one, step };
  };
  const left = { stable: STABLE, canary: CANARY };
  const shifted = async (weight: Pick<CanaryWeight, 'weightPercent' | 'sticky' | 'preview'>) => {
    const shifter = memoryShifter({ versions, hasTesters: true });
    await shifter.setWeight(checkoutTarget, { ...left, ...weight }, shifter.routing().revision);
    return shifter;
  };

  it.each([
    ['cookie', { weightPercent: 50, sticky: true }],
    ['header', { weightPercent: 0, preview: true }],
  ] as const)('is where the release left it, by %s', async (by, weight) => {
    const { one, step } = split(by);
    expect(await checkRouting(await shifted(weight), one, step, reached)).toEqual({ drift: [], unread: [] });
  });

  it.each([
    ['cookie', { weightPercent: 50 }, 'each caller kept where it came first'],
    ['cookie', { weightPercent: 40, sticky: true }, 'each caller kept where it came first'],
    ['header', { weightPercent: 0 }, `those with the header with ${CANARY}`],
    ['header', { weightPercent: 50, preview: true }, `those with the header with ${CANARY}`],
  ] as const)('is no experiment any more by %s, once it is at %o', async (by, weight, words) => {
    const { one, step } = split(by);
    const { drift } = await checkRouting(await shifted(weight), one, step, reached);
    expect(drift).toMatchObject([{ code: 'drift', text: expect.stringContaining(words) }]);
  });
});
