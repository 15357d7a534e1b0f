import { describe, expect, it } from 'vitest';
import { PolicyDeniedError, TransientError } from '#platform/errors.ts';
import { decide } from '#rollout/decide-look.ts';
import { type Guards, readGuards } from '#rollout/guards.ts';
import type { GuardAlarm, LookResult, Verdict } from '#rollout/judge/look.ts';
import { initialStageState } from '#rollout/judge/stage-state.ts';
import { judge, type Look } from '#rollout/look.ts';
import { takeSnapshots } from '#rollout/snapshot.ts';
import { aLookAt, alone } from '../builders/look.ts';
import { ann, NOW, NOW_MS, planWith } from '../builders/release.ts';
import { aRollout } from '../builders/rollout.ts';
import { memoryAlarms } from '../fakes/memory-alarms.ts';

const SLOW = { guardAlarms: ['slow'] };
const unknown: Guards = { alarms: [], unknown: ['slow'] };

const aLook = (overrides: Partial<Look>, release: Parameters<typeof aLookAt>[1] = {}): Look => {
  const plan = { ...planWith(25, 100), stageDeadlineSeconds: 60, holdSeconds: 60, pauseSeconds: 600 };
  const [stage] = plan.stages;
  if (stage === undefined) throw new Error('the plan has stages');
  return aLookAt(stage, { ...SLOW, plan, ...release }, overrides);
};
const saw = (verdict: Verdict): ReturnType<typeof alone> =>
  alone({
    verdict,
    score: 99,
    evidence: { lnE: 0, threshold: 4.6, tests: [], stage: {} },
    rounds: [],
    reasons: [],
    state: initialStageState(),
  } satisfies LookResult);

describe('the guards of a release', () => {
  it('are asked for by name; one that there is not is unknown', async () => {
    const alarms = memoryAlarms();
    alarms.set('slow', 'OK');
    const troubles: unknown[] = [];
    const read = readGuards(alarms, { guardAlarms: ['slow', 'gone'] }, (error) => troubles.push(error));
    expect(await read).toEqual({ alarms: [{ name: 'slow', state: 'OK' }], unknown: ['gone'] });
    expect(troubles).toEqual([]);
  });

  it('are all unknown when they can not be read, which is told', async () => {
    const away = new TransientError('no answer');
    const troubles: unknown[] = [];
    const alarms = { states: () => Promise.reject(away) };
    const read = readGuards(alarms, SLOW, (error) => troubles.push(error));
    expect(await read).toEqual(unknown);
    expect(troubles).toEqual([away]);
  });

  it('are not asked for where there are none', async () => {
    const alarms = { states: () => Promise.reject(new Error('asked')) };
    expect(await readGuards(alarms, {}, () => undefined)).toEqual({ alarms: [], unknown: [] });
  });
});

describe('a look', () => {
  it.each<[GuardAlarm['state'], Verdict]>([
    ['ALARM', 'rollback'],
    ['OK', 'continue'],
    ['INSUFFICIENT_DATA', 'continue'],
  ])('at a guard in %s is judged %s', (state, verdict) => {
    const look = aLook({ guards: { alarms: [{ name: 'slow', state }], unknown: [] } });
    const judged = judge(look);
    expect(judged.main.verdict).toBe(verdict);
    if (state !== 'ALARM') return;
    const { verdict: decided, reasons } = decide(look, judged);
    expect(decided).toBe('restore');
    expect(reasons[0]).toMatchObject({ code: 'guard-alarm', facts: { alarm: 'slow' } });
  });

  it('passes nothing while a guard is unknown, and says so', () => {
    const decision = decide(aLook({ guards: unknown }), saw('promote'));
    expect(decision.verdict).toBe('continue');
    expect(decision.reasons.at(-1)).toMatchObject({ code: 'guard-unknown', facts: { alarms: ['slow'] } });
    expect(decide(aLook({}), saw('promote')).verdict).toBe('promote');
  });

  it('passes nothing that a person wishes either', () => {
    const promotionWish = { by: ann, reason: 'seen enough', at: NOW, step: 0 };
    const decided = (guards: Guards) => decide(aLook({ guards }, { promotionWish }), saw('continue')).verdict;
    expect(decided(unknown)).toBe('continue');
    expect(decided({ alarms: [], unknown: [] })).toBe('promote');
  });

  it('holds at the deadline, and brings traffic back at the end of the hold', () => {
    const at = (seconds: number, heldSince?: string) => {
      const look = aLook({ guards: unknown, now: NOW_MS + seconds * 1_000 });
      return decide({ ...look, state: { ...look.state, ...(heldSince && { heldSince }) } }, saw('promote'));
    };
    expect(at(59)).toMatchObject({ verdict: 'continue', holdBegins: false });
    expect(at(60)).toMatchObject({ verdict: 'continue', holdBegins: true });
    expect(at(119, new Date(NOW_MS + 60_000).toISOString()).verdict).toBe('continue');
    expect(at(120, new Date(NOW_MS + 60_000).toISOString())).toMatchObject({
      verdict: 'restore',
      reasons: [{ code: 'hold-deadline' }, { code: 'guard-unknown' }],
    });
  });

  it('does not keep a breach from being restored because a guard is unknown', () => {
    expect(decide(aLook({ guards: unknown }), saw('rollback')).verdict).toBe('restore');
  });
});

describe('the start of a release', () => {
  const begun = async (state: GuardAlarm['state'] | undefined) => {
    const rollout = await aRollout({}, SLOW);
    if (state !== undefined) rollout.alarms.set('slow', state);
    return { ...rollout, taken: takeSnapshots(rollout.ports, rollout.releaseId, 1) };
  };

  it.each(['OK', 'INSUFFICIENT_DATA'] as const)('goes ahead with a guard in %s', async (state) => {
    const { taken, releases, releaseId } = await begun(state);
    await taken;
    expect(releases.peek(releaseId)?.snapshots).toHaveLength(1);
  });

  it.each([
    ['is raised', 'ALARM', 'guard alarm slow is in ALARM'],
    ['does not exist', undefined, 'there is no guard alarm slow'],
  ] as const)('is refused before any traffic moves when a guard %s', async (_, state, text) => {
    const { taken, releases, releaseId } = await begun(state);
    await expect(taken).rejects.toBeInstanceOf(PolicyDeniedError);
    await expect(taken).rejects.toThrow(text);
    expect(releases.peek(releaseId)?.snapshots).toBeUndefined();
  });

  it('waits while its guards can not be read', async () => {
    const away = () => {
      throw new TransientError('no answer');
    };
    const { ports, releaseId } = await aRollout({ alarms: { before: away } }, SLOW);
    await expect(takeSnapshots(ports, releaseId, 1)).rejects.toBeInstanceOf(TransientError);
  });
});
