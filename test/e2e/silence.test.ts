import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { createService, ended, recorded, type TestService } from './harness.ts';
import { expectSound } from './invariants.ts';

describe('nothing is promoted on silence', () => {
  let service: TestService;
  beforeEach(async () => {
    service = await createService();
  });
  afterEach(() => service.stop());

  it('holds a stage without any metrics at its deadline, and restores when nobody comes', async () => {
    service.report(false);
    const releaseId = await service.request(VARIANTS.good.version);
    await recorded(releaseId, 'release.stage.held');
    const end = await ended(releaseId);
    const records = await expectSound(service, releaseId, {
      outcome: 'rolled-back',
      runs: VARIANTS.stable.version,
    });
    expect(records.map(({ event }) => event.type)).not.toContain('release.stage.promoted');
    expect(end.data.reasons).toEqual(
      expect.arrayContaining([expect.objectContaining({ code: 'hold-deadline' })]),
    );
  });
});
