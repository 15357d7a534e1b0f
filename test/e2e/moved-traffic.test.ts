import { LambdaClient, UpdateAliasCommand } from '@aws-sdk/client-lambda';
import { describe, expect, test } from 'vitest';
import { ALIAS, VARIANTS } from '../../local/demo/checkout.ts';
import { awsSettings, createService, ended, getRelease, recorded } from './harness.ts';
import { expectSound } from './invariants.ts';

const lambda = new LambdaClient(awsSettings);

describe('traffic that somebody else moves during a rollout', () => {
  test.each([
    ['to another weight', { [VARIANTS.good.version]: 0.9 }],
    ['back to the stable version', {}],
  ])('is brought back, and said so: %s', async (_, AdditionalVersionWeights) => {
    const service = await createService();
    try {
      const releaseId = await service.request(VARIANTS.good.version);
      await recorded(releaseId, 'release.shift.done');
      await lambda.send(
        new UpdateAliasCommand({
          FunctionName: service.functionName,
          Name: ALIAS,
          RoutingConfig: { AdditionalVersionWeights },
        }),
      );
      await ended(releaseId);
      await expectSound(service, releaseId, { outcome: 'rolled-back', runs: VARIANTS.stable.version });
      const { reasons = [] } = await getRelease(releaseId);
      expect(reasons[0]).toMatchObject({
        code: 'drift',
        text: expect.stringContaining('someone else moved the traffic'),
      });
    } finally {
      await service.stop();
    }
  });
});
