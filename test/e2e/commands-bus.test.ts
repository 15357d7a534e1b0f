import { randomUUID } from 'node:crypto';
import { describe, expect } from 'vitest';
import { timelineOf } from '../../cli/timeline.ts';
import type { ReleaseId } from '../../functions/platform/ids.ts';
import { COMMANDED_EVENT } from '../../functions/rollout/commanded-event.ts';
import { commandRoutes } from '../../functions/rollout/routes.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { putEvent } from './doors/bus.ts';
import { isKeptIn, keptIn } from './doors/queue.ts';
import { ledgerSize, recordsFrom } from './doors/stored.ts';
import { ended, eventually, getRelease, operator, recorded, withService } from './harness.ts';
import { expectSound } from './invariants.ts';

const GOOD = VARIANTS.good.version;
const FAILING = VARIANTS.failing.version;
const STABLE = VARIANTS.stable.version;
const REFUSED = 'sluice-refused-requests';

const order = (releaseId: ReleaseId, command: string, more: object = {}) =>
  putEvent({
    detailType: COMMANDED_EVENT,
    detail: { releaseId, command, reason: 'a test said so', requestedBy: 'bot of the team', ...more },
  });

const recordsOf = async (releaseId: ReleaseId, type: string) =>
  (await timelineOf(operator, releaseId)).filter(({ event }) => event.type === type);

describe.concurrent('a command that comes as an event', () => {
  withService('pauses and resumes once, however often it comes, by whom it claims', async ({ service }) => {
    const releaseId = await service.request(GOOD);
    await recorded(releaseId, 'release.shift.done');
    const idempotencyKey = randomUUID();
    await order(releaseId, 'pause', { idempotencyKey });
    const paused = await recorded(releaseId, 'release.paused');
    expect(paused.actor).toEqual({
      login: 'bot of the team',
      kind: 'pipeline',
      authenticated: false,
      via: 'event',
    });
    await order(releaseId, 'resume');
    await recorded(releaseId, 'release.resumed');
    // Late, after it was taken back: it must not pause again.
    const late = await order(releaseId, 'pause', { idempotencyKey });
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'promoted', runs: GOOD });
    expect(await recordsOf(releaseId, 'release.paused')).toHaveLength(1);
    expect(await isKeptIn(REFUSED, late)).toBe(false);
  });

  withService(
    'to abort brings traffic back; the same again has no effect and is no trouble',
    async ({ service }) => {
      const releaseId = await service.request(GOOD);
      await recorded(releaseId, 'release.shift.done');
      const idempotencyKey = randomUUID();
      await order(releaseId, 'abort', { idempotencyKey });
      const accepted = await recorded(releaseId, 'release.abort.accepted');
      expect(accepted.actor).toMatchObject({ login: 'bot of the team', authenticated: false });
      const again = await order(releaseId, 'abort', { idempotencyKey });
      await ended(releaseId);
      const late = await order(releaseId, 'abort', { idempotencyKey });
      const size = await ledgerSize();
      const wrong = await order(releaseId, 'explode');
      await keptIn(REFUSED, wrong);
      expect(await isKeptIn(REFUSED, again)).toBe(false);
      expect(await isKeptIn(REFUSED, late)).toBe(false);
      const [refusal, ...more] = (await recordsFrom(size)).filter(({ data }) => data.eventId === wrong);
      expect(more).toEqual([]);
      expect(refusal?.event.type).toBe('release.command.refused');
      expect(JSON.stringify(refusal?.data.reasons)).toContain('detail.command');
      expect(await recordsOf(releaseId, 'release.abort.accepted')).toHaveLength(1);
      await expectSound(service, releaseId, { outcome: 'rolled-back', runs: STABLE });
    },
  );

  withService('that makes no sense is recorded, kept whole and changes nothing', async ({ service }) => {
    const releaseId = await service.request(GOOD);
    await recorded(releaseId, 'release.shift.done');
    const size = await ledgerSize();
    const eventId = await order(releaseId, 'resume');
    const { reason } = await keptIn(REFUSED, eventId);
    expect(reason).toContain('is not paused');
    const refusals = (await recordsFrom(size)).filter(({ data }) => data.eventId === eventId);
    expect(refusals.map(({ event }) => event.type)).toEqual(['release.command.refused']);
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'promoted', runs: GOOD });
  });
});

describe.concurrent('a retry', () => {
  const retry = (releaseId: ReleaseId, idempotencyKey: string) =>
    operator.call(commandRoutes.commandRelease, {
      params: { releaseId },
      body: { command: 'retry', reason: 'a test said so' },
      idempotencyKey,
    });

  withService('of a rolled back release is a release of its own, once for its key', async ({ service }) => {
    const releaseId = await service.request(FAILING);
    await expect(retry(releaseId, randomUUID())).rejects.toMatchObject({ problem: { status: 409 } });
    await ended(releaseId);
    const key = randomUUID();
    const { retriedAs } = await retry(releaseId, key);
    if (retriedAs === undefined) return expect.fail('nothing was retried');
    expect((await retry(releaseId, key)).retriedAs).toBe(retriedAs);
    const next = await getRelease(retriedAs);
    expect(next).toMatchObject({ version: FAILING, retryOf: { releaseId, reason: 'a test said so' } });
    await ended(retriedAs);
    await expectSound(service, retriedAs, { outcome: 'rolled-back', runs: STABLE });
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: STABLE });
    const [accepted] = await recordsOf(retriedAs, 'release.accepted');
    expect(accepted).toMatchObject({ actor: { login: 'olive' }, data: { retryOf: { releaseId } } });
  });

  withService('of a promoted release is refused; by event too, in one place', async ({ service }) => {
    const releaseId = await service.request(GOOD);
    await ended(releaseId);
    const refused = retry(releaseId, randomUUID());
    await expect(refused).rejects.toMatchObject({
      problem: { status: 409, detail: expect.stringContaining('was promoted') },
    });
    const size = await ledgerSize();
    const eventId = await order(releaseId, 'retry');
    expect((await keptIn(REFUSED, eventId)).reason).toContain('was promoted');
    const refusals = await eventually('the refusal is recorded', async () => {
      const found = (await recordsFrom(size)).filter(({ data }) => data.eventId === eventId);
      return found.length > 0 ? found : undefined;
    });
    expect(refusals).toHaveLength(1);
  });
});
