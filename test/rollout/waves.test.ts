import { describe, expect, it } from 'vitest';
import { PolicyDeniedError, TransientError } from '#platform/errors.ts';
import type { Reason } from '#releases/release.ts';
import { decide } from '#rollout/decide-look.ts';
import type { LookResult } from '#rollout/judge/look.ts';
import { initialStageState } from '#rollout/judge/stage-state.ts';
import { firstLookState, type Look, lookInput } from '#rollout/look.ts';
import { lookRecords } from '#rollout/look-records.ts';
import { restoreTraffic } from '#rollout/restore.ts';
import { isAlone, isAt } from '#rollout/routing.ts';
import { promoteVersion, shiftToStep } from '#rollout/shift.ts';
import { takeSnapshots } from '#rollout/snapshot.ts';
import { aLookAt, aStep } from '../builders/look.ts';
import { aSnapshot, aWave, CANARY, checkoutTarget, NOW_MS, planWith, STABLE } from '../builders/release.ts';
import { aRollout, type PortHooks } from '../builders/rollout.ts';
import { hooked } from '../fakes/hooked.ts';
import { memoryShifter, memoryShifters } from '../fakes/memory-shifter.ts';

const cause = [{ code: 'evidence', text: '20 of 60 errors' }];
const there = { ...checkoutTarget, alias: 'us' };
const plan = { ...planWith(50, 100), watchSeconds: 60 };
/** In the other region the same code has other numbers. */
const waves = [aWave(), aWave({ name: 'us', target: there, version: '12', bakeSeconds: 30 })];

/** Checkout in two places, with `steps` of its way behind it: 50, 100, bake, 50, 100, watch. */
const world = async (steps = 0, hooks: PortHooks = {}) => {
  const here = memoryShifter({ versions: [STABLE, CANARY] });
  const us = memoryShifter({ versions: ['11', '12'] });
  const both = memoryShifters([
    [checkoutTarget, here],
    [there, us],
  ]);
  const rollout = await aRollout(hooks, { plan, waves });
  const ports = { ...rollout.ports, shifter: hooked(both, hooks.shifter ?? {}) };
  await takeSnapshots(ports, rollout.releaseId, 1);
  for (let step = 0; step < steps; step += 1)
    expect(await shiftToStep(ports, rollout.releaseId, 1, step)).toBe('done');
  return { ...rollout, ports, here, us };
};

describe('a release of two waves', () => {
  it('knows what is stable in each before anything moves', async () => {
    const { present } = await world();
    expect(present().snapshots?.map(({ stableVersion }) => stableVersion)).toEqual([STABLE, '11']);
  });

  it('is refused as a whole, naming the wave, when one of them is not fit', async () => {
    const { ports, releaseId } = await aRollout(
      {},
      { waves: [aWave(), aWave({ name: 'us', target: there })] },
    );
    const shifter = memoryShifters([
      [checkoutTarget, memoryShifter({ versions: [STABLE, CANARY] })],
      [there, memoryShifter({ versions: ['11', '12'] })],
    ]);
    const taken = takeSnapshots({ ...ports, shifter }, releaseId, 1);
    await expect(taken).rejects.toThrow('wave us: there is no version 2');
    await expect(taken).rejects.toBeInstanceOf(PolicyDeniedError);
  });

  it('moves the first wave to the end, bakes, and only then moves the second', async () => {
    const { us, here, types } = await world(3);
    expect(isAt(here.routing(), { stable: STABLE, canary: CANARY, weightPercent: 100 })).toBe(true);
    expect(isAlone(us.routing(), '11')).toBe(true);
    expect(types().at(-1)).toBe('release.watch.began');
  });

  it('is promoted in both, each to its own version', async () => {
    const { ports, releaseId, here, us, present, ledger } = await world(6);
    expect(await promoteVersion(ports, releaseId, 1)).toBe('done');
    expect(isAlone(here.routing(), CANARY)).toBe(true);
    expect(isAlone(us.routing(), '12')).toBe(true);
    expect(present().verified).toMatchObject({ at: 'new', fence: 1 });
    const done = ledger.records.filter(({ event }) => event.type === 'release.promotion.done');
    expect(done.map(({ data }) => data.wave)).toEqual(['first', 'us']);
  });

  it('does not begin a bake of traffic that somebody else moved', async () => {
    const { ports, releaseId, here } = await world(2);
    await here.promote(checkoutTarget, CANARY, here.routing().revision);
    await expect(shiftToStep(ports, releaseId, 1, 2)).rejects.toThrow('someone else moved the traffic');
  });

  it('a late step of an earlier wave does not bring that wave back down', async () => {
    const { ports, releaseId, here, us } = await world(4);
    expect(await shiftToStep(ports, releaseId, 1, 0)).toBe('fenced');
    expect(isAt(here.routing(), { stable: STABLE, canary: CANARY, weightPercent: 100 })).toBe(true);
    expect(isAt(us.routing(), { stable: '11', canary: '12', weightPercent: 50 })).toBe(true);
  });
});

describe('a restore of two waves', () => {
  it('brings back every wave that was shifted', async () => {
    const { ports, releaseId, here, us, ledger } = await world(4);
    expect(await restoreTraffic(ports, { releaseId, cause })).toMatchObject({ kind: 'restored' });
    expect(isAlone(here.routing(), STABLE)).toBe(true);
    expect(isAlone(us.routing(), '11')).toBe(true);
    expect(ledger.records.at(-1)?.data.waves).toEqual([
      { wave: 'first', stable: STABLE },
      { wave: 'us', stable: '11' },
    ]);
  });

  it('leaves alone a wave that the release never came to', async () => {
    const { ports, releaseId, us } = await world(2);
    const before = us.routing();
    await restoreTraffic(ports, { releaseId, cause });
    expect(us.routing()).toEqual(before);
  });

  it('brings back the others when one fails, says which, and does not count as done', async () => {
    const { ports, releaseId, here, us, present } = await world(4, {
      shifter: {
        before: (method, [target]) => {
          if (method === 'restore' && (target as typeof checkoutTarget).alias === 'live')
            throw new TransientError('no answer');
        },
      },
    });
    const restored = restoreTraffic(ports, { releaseId, cause });
    await expect(restored).rejects.toBeInstanceOf(TransientError);
    expect(isAlone(us.routing(), '11')).toBe(true);
    expect(isAlone(here.routing(), STABLE)).toBe(false);
    expect(present().verified).toBeUndefined();
  });

  it('brings back every wave it carries when the state cannot be read', async () => {
    const { ports, releaseId, here, us, release } = await world(4);
    const down = async () => {
      throw new TransientError('no answer');
    };
    const releases = { ...ports.releases, beginRestore: down, readFence: down, get: down };
    const carried = {
      subject: release,
      waves: [
        { name: 'first', target: checkoutTarget, stableVersion: STABLE },
        { name: 'us', target: there, stableVersion: '11' },
      ],
    };
    await expect(restoreTraffic({ ...ports, releases }, { releaseId, cause, carried })).rejects.toThrow(
      'traffic is back on stable, but that could not be noted yet',
    );
    expect(isAlone(here.routing(), STABLE)).toBe(true);
    expect(isAlone(us.routing(), '11')).toBe(true);
  });
});

const stage = { weightPercent: 50, rounds: 3, roundSeconds: 20 };
const saw = (verdict: LookResult['verdict'], reasons: readonly Reason[] = []): LookResult => ({
  verdict,
  evidence: { lnE: 0, threshold: 4.6, tests: [], stage: {} },
  rounds: [],
  reasons: reasons.map((reason) => ({ ...reason, code: 'evidence' as const, facts: {} })),
  state: { ...initialStageState(), carriedEvidence: { 'errors-relative': 1 } },
});

/** At the second wave's first stage, with the first behind it. */
const secondWave = (overrides: Partial<Look> = {}): Look => {
  const snapshots = [aSnapshot(), aSnapshot({ stableVersion: '11' })];
  const step = aStep(stage, { index: 3, wave: 1 });
  const wave = { ...aWave(waves[1]), snapshot: aSnapshot({ stableVersion: '11' }) };
  const look = aLookAt(stage, { plan, waves, snapshots }, { step, wave });
  const { release, periods, window, settleSeconds, shiftedAt, now } = look;
  const judge = initialStageState();
  const behind = {
    ...{ release, periods, window, settleSeconds, shiftedAt, now },
    step: { ...step, weightPercent: 100, rounds: 1_000_000 },
    wave: { ...aWave(), snapshot: aSnapshot() },
    state: { judge },
  };
  return {
    ...look,
    state: { ...firstLookState(), earlier: [{ judge }] },
    earlier: [behind],
    ...overrides,
  };
};

describe('a look while a later wave rolls out', () => {
  it('restores when an earlier wave goes bad, and says in which', () => {
    const look = secondWave();
    const decision = decide(look, { main: saw('promote'), earlier: [saw('rollback', cause)] });
    expect(decision).toMatchObject({
      verdict: 'restore',
      reasons: [{ text: 'wave first: 20 of 60 errors' }],
    });
    const types = lookRecords(look, { main: saw('promote'), earlier: [saw('rollback', cause)] }, decision);
    expect(types.map(({ event }) => event.type)).toEqual(['release.look.decided']);
  });

  it('is not held up by an earlier wave that lacks data', () => {
    const decision = decide(secondWave(), { main: saw('promote'), earlier: [saw('extend')] });
    expect(decision.verdict).toBe('promote');
  });

  it('carries on what is known of the earlier wave', () => {
    const decision = decide(secondWave(), { main: saw('continue'), earlier: [saw('continue')] });
    expect(decision.state.earlier).toEqual([{ judge: saw('continue').state }]);
  });

  it('never asks an earlier wave to be past a deadline', () => {
    const now = NOW_MS + 86_400_000;
    const { earlier } = secondWave();
    const [behind] = earlier.map((look) => lookInput({ ...look, now }));
    expect(behind?.deadline).toBe('open');
    expect(lookInput(secondWave({ now })).deadline).toBe('passed');
  });

  it('shares the chance of being wrong among the waves', () => {
    expect(lookInput(secondWave()).policy.evidence.alpha).toBeCloseTo(0.005);
  });

  it('begins a new wave without the evidence of the one before, which is looked at from behind', () => {
    const bake = aStep({ ...stage, weightPercent: 100 }, { index: 2, kind: 'bake', wave: 0, stage: 1 });
    const look = aLookAt(stage, { plan, waves }, { step: bake });
    const { state } = decide(look, { main: saw('promote'), earlier: [] });
    expect(state.judge.carriedEvidence).toEqual({});
    expect(state.earlier).toHaveLength(1);
    expect(state.earlier[0]?.judge.carriedEvidence).toMatchObject({ 'errors-relative': 1 });
  });
});

describe('a watch', () => {
  const watch = aStep(
    { weightPercent: 100, rounds: 1, roundSeconds: 60 },
    { index: 2, kind: 'watch', stage: 1 },
  );
  const at = (seconds: number) =>
    aLookAt(stage, { plan }, { step: watch, settleSeconds: 5, now: NOW_MS + seconds * 1_000 });

  it('is over by time when nothing is wrong, also without data: what it watches was promoted on data', () => {
    expect(decide(at(64), { main: saw('extend'), earlier: [] }).verdict).toBe('continue');
    const over = decide(at(65), { main: saw('extend'), earlier: [] });
    expect(over).toMatchObject({ verdict: 'promote', reasons: [{ code: 'watch-over' }] });
    const records = lookRecords(at(65), { main: saw('extend'), earlier: [] }, over);
    expect(records.map(({ event }) => event.type)).toEqual(['release.watch.passed']);
  });

  it('restores at a breach until its last moment', () => {
    expect(decide(at(600), { main: saw('rollback', cause), earlier: [] }).verdict).toBe('restore');
  });

  it('has no deadline for missing data', () => {
    expect(lookInput(at(1_000_000)).deadline).toBe('open');
  });
});
