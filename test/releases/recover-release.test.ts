import { describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { recoverRelease } from '#releases/recover-release.ts';
import type { Release } from '#releases/release.ts';
import { NOW, NOW_MS } from '../builders/release.ts';
import { aRollout } from '../builders/rollout.ts';
import { type Hooks, hooked } from '../fakes/hooked.ts';
import { memoryExecutions } from '../fakes/memory-executions.ts';

const GRACE_SECONDS = 60;
const aborted = [{ code: 'operator-abort', text: 'aborted by ann' }];

const aSweep = async (hooks: Hooks = {}, overrides: Partial<Release> = {}) => {
  const rollout = await aRollout({}, overrides);
  const executions = memoryExecutions();
  const { release, releaseId, releases, ports, present } = rollout;
  const own = `${releaseId}-1`;
  const sweepPorts = {
    ...ports,
    releases: hooked(releases, hooks),
    executions: hooked(executions, hooks),
    startGraceSeconds: GRACE_SECONDS,
  };
  return {
    ...rollout,
    executions,
    own,
    /** The release's workflow runs, or ran and ended. */
    workflow: async (ended?: string) => {
      await executions.start('release', own, { releaseId });
      await releases.markStarted(releaseId, NOW);
      if (ended !== undefined) executions.end(`release/${own}`, ended);
    },
    sweep: (listed: Release = present(), at = NOW) =>
      recoverRelease({ ...sweepPorts, now: () => at }, listed),
    release,
  };
};

describe('the recovery sweep', () => {
  it('leaves a release alone whose workflow runs', async () => {
    const { workflow, sweep, executions, types } = await aSweep();
    await workflow();
    expect(await sweep()).toBe('nothing');
    expect(executions.started).toHaveLength(1);
    expect(types()).toEqual([]);
  });

  it.each(['FAILED', 'TIMED_OUT', 'ABORTED', 'SUCCEEDED'])(
    'restores and concludes a release whose workflow ended %s without a conclusion',
    async (status) => {
      const { workflow, sweep, executions, ledger, own, releaseId, present } = await aSweep();
      await workflow(status);
      expect(await sweep()).toBe('restore-and-conclude');
      expect(executions.started).toEqual([`release/${own}`, `recovery/${own}-recovery-1`]);
      const reasons = [{ code: 'execution-gone', text: expect.stringContaining(status) }];
      expect(executions.inputOf(`recovery/${own}-recovery-1`)).toEqual({ releaseId, reasons });
      expect(ledger.records).toMatchObject([
        { event: { type: 'release.recovered' }, data: { releaseId, number: 1, reasons } },
      ]);
      expect(present().recoveries).toBe(1);
    },
  );

  it('starts one recovery however many sweeps come at once, and another only when that one is gone', async () => {
    const { workflow, sweep, executions, own, types, present } = await aSweep();
    await workflow('FAILED');
    const listed = present();
    await Promise.all([sweep(listed), sweep(listed)]);
    expect(await sweep()).toBe('nothing');
    expect(executions.started).toHaveLength(2);
    executions.end(`recovery/${own}-recovery-1`, 'FAILED');
    expect(await sweep()).toBe('restore-and-conclude');
    expect(executions.started.at(-1)).toBe(`recovery/${own}-recovery-2`);
    expect(types()).toEqual(['release.recovered', 'release.recovered']);
  });

  it('says nothing of a release that was concluded when its workflow ended, though the index still lists it', async () => {
    const { workflow, sweep, executions, types, releases, releaseId, present } = await aSweep();
    const listed = present();
    await workflow('SUCCEEDED');
    await releases.noteVerified(releaseId, { at: 'new', fence: 1, time: NOW });
    await releases.decide(releaseId, { outcome: 'promoted', fence: 1, reasons: [] });
    await releases.close(present(), NOW);
    expect(await sweep(listed)).toBe('nothing');
    expect(executions.started).toHaveLength(1);
    expect(types()).toEqual([]);
  });

  it('says nothing of a release that is concluded while the sweep looks at it', async () => {
    const concluding = await aSweep({
      before: async (method) => {
        if (method !== 'status') return;
        const { releases, releaseId, present, executions, own } = concluding;
        await releases.noteVerified(releaseId, { at: 'new', fence: 1, time: NOW });
        await releases.decide(releaseId, { outcome: 'promoted', fence: 1, reasons: [] });
        await releases.close(present(), NOW);
        executions.end(`release/${own}`, 'SUCCEEDED');
      },
    });
    await concluding.workflow();
    expect(await concluding.sweep()).toBe('nothing');
    expect(concluding.types()).toEqual([]);
  });

  it('starts a release that crashed at the door, once its grace is over', async () => {
    const { sweep, executions, own, types, present } = await aSweep();
    const inSeconds = (seconds: number) => new Date(NOW_MS + seconds * 1_000).toISOString();
    expect(await sweep(present(), inSeconds(GRACE_SECONDS - 1))).toBe('nothing');
    expect(executions.started).toEqual([]);
    expect(await sweep(present(), inSeconds(GRACE_SECONDS))).toBe('launch');
    expect(executions.started).toEqual([`release/${own}`]);
    expect(types()).toEqual(['release.accepted']);
  });

  it('ends a release that was stopped before its workflow was ever started', async () => {
    const { sweep, executions, own, releases, releaseId } = await aSweep();
    await releases.beginRestore(releaseId, aborted);
    expect(await sweep()).toBe('restore-and-conclude');
    expect(executions.started).toEqual([`recovery/${own}-recovery-1`]);
  });

  it.each(['start', 'noteRecovery'])(
    'is finished by the next one when it is cut off before %s',
    async (call) => {
      let cut = false;
      const { workflow, sweep, executions, own, types, present } = await aSweep({
        before: (method) => {
          if (method !== call || cut) return;
          cut = true;
          throw new TransientError('no answer');
        },
      });
      await workflow('FAILED');
      await expect(sweep()).rejects.toBeInstanceOf(TransientError);
      expect(await sweep()).toBe('restore-and-conclude');
      expect(executions.started).toEqual([`release/${own}`, `recovery/${own}-recovery-1`]);
      expect(types()).toEqual(['release.recovered']);
      expect(present().recoveries).toBe(1);
    },
  );

  it('is not held up by an earlier one that was cut off after it had told another reason', async () => {
    let cut = false;
    const { workflow, sweep, executions, own, releases, releaseId, types } = await aSweep({
      before: (method) => {
        if (method !== 'start' || cut) return;
        cut = true;
        throw new TransientError('no answer');
      },
    });
    await releases.beginRestore(releaseId, aborted);
    await expect(sweep()).rejects.toBeInstanceOf(TransientError);
    await workflow('FAILED');
    expect(await sweep()).toBe('restore-and-conclude');
    expect(executions.started).toContain(`recovery/${own}-recovery-1`);
    expect(types()).toEqual(['release.recovered']);
  });
});
