import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { verifyLedger } from '../../local/verify-ledger.ts';
import { createService, ended, operator, type TestService } from './harness.ts';
import { expectSound } from './invariants.ts';

describe('a release from its request to its end', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await createService();
  });
  afterAll(() => service.stop());

  it('promotes a good version stage by stage', async () => {
    const releaseId = await service.request(VARIANTS.good.version);
    await ended(releaseId);
    const records = await expectSound(service, releaseId, {
      outcome: 'promoted',
      runs: VARIANTS.good.version,
    });
    const weights = records
      .filter(({ event }) => event.type === 'release.shift.done')
      .map(({ data }) => data.weightPercent);
    expect(weights).toEqual([25, 100]);
    expect(records.filter(({ event }) => event.type === 'release.stage.promoted')).toHaveLength(2);
  });

  it('rolls a failing version back, and says why in numbers', async () => {
    const releaseId = await service.request(VARIANTS.failing.version);
    const end = await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: VARIANTS.good.version });
    const [reason] = end.data.reasons as { text: string }[];
    expect(reason?.text).toMatch(/\d/);
  });

  it('rolls a slow version back', async () => {
    const releaseId = await service.request(VARIANTS.slow.version);
    await ended(releaseId);
    await expectSound(service, releaseId, { outcome: 'rolled-back', runs: VARIANTS.good.version });
  });

  it('refuses a version that does not exist, before any traffic', async () => {
    const { primary } = await service.routing();
    const releaseId = await service.request('77');
    const end = await ended(releaseId);
    const records = await expectSound(service, releaseId, { outcome: 'refused', runs: primary });
    expect(end.data.reasons).toMatchObject([
      { code: 'refused', text: expect.stringContaining('no version 77') },
    ]);
    expect(records.map(({ event }) => event.type)).not.toContain('release.shift.intended');
  });

  it('leaves a chain that verifies', async () => {
    expect(await verifyLedger(operator)).toMatchObject({ ok: true });
  });
});
