import { describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { type HookDefinition, hookDefinitionSchema } from '#policy/hook-schema.ts';
import { decide } from '#rollout/decide-look.ts';
import type { HookAnswer, HookRequest } from '#rollout/hook-protocol.ts';
import { askHooks, type HookCaller, hooksAt } from '#rollout/hooks.ts';
import type { LookResult } from '#rollout/judge/look.ts';
import { initialStageState } from '#rollout/judge/stage-state.ts';
import { lookRecords } from '#rollout/look-records.ts';
import { runHooks } from '#rollout/run-hooks.ts';
import { aLookAt, alone } from '../builders/look.ts';
import { ann, aRelease, aWave, CANARY, checkoutTarget, NOW, NOW_MS } from '../builders/release.ts';
import { aRollout } from '../builders/rollout.ts';

const hook = (overrides: Record<string, unknown> = {}): HookDefinition =>
  hookDefinitionSchema.parse({
    name: 'smoke-test',
    at: 'before-traffic',
    call: { kind: 'lambda', functionName: 'smoke', alias: 'live' },
    ...overrides,
  });
const after = (seconds: number) => new Date(NOW_MS + seconds * 1_000).toISOString();

/** Answers in turn; the last one for ever. An error is thrown. */
const answering = (
  ...answers: readonly (HookAnswer | Error)[]
): HookCaller & { readonly asked: HookRequest[] } => {
  const asked: HookRequest[] = [];
  return {
    asked,
    call: async (_hook, request) => {
      asked.push(request);
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      if (answer === undefined || answer instanceof Error) throw answer ?? new Error('no answer');
      return answer;
    },
  };
};
const passed = { result: 'passed' } as const;
const pending = { result: 'pending', text: 'migrating' } as const;

describe('the hooks of a release', () => {
  const hooks = [
    hook(),
    hook({ name: 'warm-up', at: { stage: 2 } }),
    hook({ name: 'drain', at: 'after-promotion' }),
  ];

  it('are those of the point that it is at', () => {
    const names = (point: Parameters<typeof hooksAt>[1]) => hooksAt({ hooks }, point).map(({ name }) => name);
    expect(names('before-traffic')).toEqual(['smoke-test']);
    expect(names({ stage: 2 })).toEqual(['warm-up']);
    expect(names({ stage: 1 })).toEqual([]);
    expect(names('after-promotion')).toEqual(['drain']);
    expect(hooksAt({}, 'before-traffic')).toEqual([]);
  });
});

describe('asking hooks', () => {
  const release = aRelease({ hooks: [hook({ timeoutSeconds: 30, parameters: { suite: 'checkout' } })] });
  const ask = (caller: HookCaller, state = {}, seconds = 0) =>
    askHooks(caller, release, aWave(), 'before-traffic', state, after(seconds));

  it('hands on what they need, under one key however often they are asked', async () => {
    const caller = answering(pending, passed);
    const first = await ask(caller);
    const second = await ask(caller, first.state, 5);
    expect(first).toMatchObject({ pending: ['smoke-test'], ended: [], failed: [] });
    expect(second).toMatchObject({ pending: [], failed: [], ended: [{ result: 'passed' }] });
    expect(caller.asked[0]).toMatchObject({
      protocol: 1,
      hook: 'smoke-test',
      service: 'checkout',
      version: CANARY,
      at: 'before-traffic',
      parameters: { suite: 'checkout' },
    });
    expect(new Set(caller.asked.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });

  it('stops once they have ended, and tells it once', async () => {
    const caller = answering(passed);
    const { state } = await ask(caller);
    expect(await ask(caller, state, 5)).toMatchObject({ ended: [], pending: [], failed: [] });
    expect(caller.asked).toHaveLength(1);
  });

  it.each([
    [
      'says so',
      { result: 'failed', text: '3 of 40 checks' } as const,
      0,
      'hook smoke-test failed: 3 of 40 checks',
    ],
    ['says so without a reason', { result: 'failed' } as const, 0, 'gave no reason'],
    ['is pending until its time is over', pending, 30, 'not done within 30 s; last: migrating'],
    ['can not be reached until then', new TransientError('no answer'), 30, 'last: no answer'],
  ])('fails one that %s', async (_what, answer, seconds, text) => {
    const { failed } = await ask(
      answering(answer),
      { 'first/smoke-test': { since: NOW, result: 'pending' } },
      seconds,
    );
    expect(failed).toMatchObject([{ code: 'hook-failed', text: expect.stringContaining(text) }]);
  });

  it('waits for one that can not be reached yet', async () => {
    expect(await ask(answering(new TransientError('no answer')))).toMatchObject({ pending: ['smoke-test'] });
  });

  it('goes on after a failure where the service says so, and tells it all the same', async () => {
    const relaxed = aRelease({ hooks: [hook({ onFailure: 'continue' })] });
    const asked = await askHooks(
      answering({ result: 'failed' }),
      relaxed,
      aWave(),
      'before-traffic',
      {},
      NOW,
    );
    expect(asked).toMatchObject({ failed: [], pending: [], ended: [{ result: 'failed' }] });
  });
});

describe('hooks where no traffic is judged', () => {
  it('are asked in every wave, and recorded before they count', async () => {
    const waves = [aWave(), aWave({ name: 'us', target: { ...checkoutTarget, alias: 'us' } })];
    const { ports, releaseId, ledger } = await aRollout({}, { hooks: [hook()], waves });
    const run = await runHooks({ ...ports, caller: answering(passed) }, releaseId, 1, 'before-traffic', {});
    expect(run.result).toBe('passed');
    expect(ledger.records.map(({ event, data }) => [event.type, data.wave])).toEqual([
      ['release.hook.passed', 'first'],
      ['release.hook.passed', 'us'],
    ]);
  });

  it('fail the release with their reason', async () => {
    const { ports, releaseId } = await aRollout({}, { hooks: [hook()] });
    const caller = answering({ result: 'failed', text: 'no such table' });
    const run = await runHooks({ ...ports, caller }, releaseId, 1, 'before-traffic', {});
    expect(run).toMatchObject({ result: 'failed', reasons: [{ code: 'hook-failed' }] });
  });

  it('are told once by a second try to which they answer in other words', async () => {
    const hooks = [hook(), hook({ name: 'warm-up' })];
    let appends = 0;
    const { ports, releaseId, ledger } = await aRollout(
      {
        ledger: {
          before: () => {
            appends += 1;
            if (appends === 2) throw new TransientError('no answer');
          },
        },
      },
      { hooks },
    );
    let asked = 0;
    const call: HookCaller['call'] = async () => {
      asked += 1;
      return { result: 'passed', text: `40 checks, run ${asked}` };
    };
    const run = () => runHooks({ ...ports, caller: { call } }, releaseId, 1, 'before-traffic', {});
    await expect(run()).rejects.toBeInstanceOf(TransientError);
    expect(await run()).toMatchObject({ result: 'passed' });
    expect(ledger.records.map(({ data }) => [data.hook, data.text])).toEqual([
      ['smoke-test', '40 checks, run 1'],
      ['warm-up', '40 checks, run 4'],
    ]);
  });

  it('are told again by a second try to which they answer the contrary: what counts is recorded', async () => {
    const { ports, releaseId, types } = await aRollout({}, { hooks: [hook()] });
    const caller = answering({ result: 'failed' }, passed);
    for (const result of ['failed', 'passed'])
      expect(await runHooks({ ...ports, caller }, releaseId, 1, 'before-traffic', {})).toMatchObject({
        result,
      });
    expect(types()).toEqual(['release.hook.failed', 'release.hook.passed']);
  });

  it('are not asked of a release that was stopped', async () => {
    const { ports, releaseId, releases } = await aRollout({}, { hooks: [hook()] });
    await releases.beginRestore(releaseId, [{ code: 'operator-abort', text: 'aborted' }]);
    const caller = answering(passed);
    expect(await runHooks({ ...ports, caller }, releaseId, 1, 'before-traffic', {})).toMatchObject({
      result: 'fenced',
    });
    expect(caller.asked).toEqual([]);
  });
});

describe('a hook at a stage', () => {
  const stage = { weightPercent: 50, rounds: 1, roundSeconds: 10 };
  const good: LookResult = {
    verdict: 'promote',
    score: 99,
    evidence: { lnE: 0, threshold: 4.6, tests: [], stage: {} },
    rounds: [],
    reasons: [],
    state: initialStageState(),
  };
  const look = (hooks: Partial<ReturnType<typeof aLookAt>['hooks']>, release = {}) => {
    const none = aLookAt(stage, release);
    return { ...none, hooks: { ...none.hooks, ...hooks } };
  };

  it('keeps the stage from passing, whoever wishes it, while looks go on', () => {
    const wish = { by: ann, reason: 'seen enough', at: NOW, step: 0 };
    for (const release of [{}, { promotionWish: wish }]) {
      const decision = decide(look({ pending: ['smoke-test'] }, release), alone(good));
      expect(decision.verdict).toBe('continue');
      expect(decision.reasons.map(({ code }) => code)).toContain('hook-pending');
    }
  });

  it('restores when it fails, and is told', () => {
    const failed = [{ code: 'hook-failed', text: 'hook smoke-test failed: 3 of 40 checks' }];
    const ended = [{ hook: hook(), result: 'failed' as const, text: '3 of 40 checks' }];
    const at = look({ failed, ended });
    const decision = decide(at, alone(good));
    expect(decision).toMatchObject({ verdict: 'restore', reasons: failed });
    expect(lookRecords(at, alone(good), decision).map(({ event }) => event.type)).toEqual([
      'release.hook.failed',
      'release.look.decided',
    ]);
  });

  it('lets the stage pass once it has', () => {
    const ended = [{ hook: hook(), result: 'passed' as const, text: 'passed' }];
    expect(decide(look({ ended }), alone(good)).verdict).toBe('promote');
  });
});
