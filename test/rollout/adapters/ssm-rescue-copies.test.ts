import { GetParametersByPathCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { ssmRescueCopies } from '#rollout/adapters/ssm-rescue-copies.ts';
import { parseRescueText } from '#rollout/rescue-copy.ts';
import { checkoutTarget, releaseIdOf, STABLE } from '../../builders/release.ts';

const ssm = mockClient(SSMClient);
beforeEach(() => ssm.reset());
const regions: (string | undefined)[] = [];
const copies = ssmRescueCopies(
  (region) => {
    regions.push(region);
    return new SSMClient({ region: region ?? 'eu-central-1' });
  },
  { prefix: '/sluice/rescue', region: 'eu-central-1' },
);
const carried = (number: number, service = 'checkout') => ({
  subject: { releaseId: releaseIdOf(number), service, environment: 'production', version: '2', attempt: 1 },
  waves: [
    { name: 'first', target: checkoutTarget, stableVersion: STABLE },
    { name: 'us', target: { ...checkoutTarget, region: 'us-east-1' }, stableVersion: '11' },
  ],
});
const stored = (number: number, service?: string) =>
  JSON.stringify({ ...carried(number, service), region: 'eu-central-1' });

describe('copies for a rescue in the parameter store', () => {
  it("are kept in the stack's region and in each that a wave is in, with all that a rescue needs", async () => {
    regions.length = 0;
    ssm.on(PutParameterCommand).resolves({});
    await copies.keep(carried(1));
    expect(regions).toEqual([undefined, 'us-east-1']);
    const [first] = ssm.commandCalls(PutParameterCommand).map(({ args }) => args[0].input);
    expect(first).toMatchObject({ Name: '/sluice/rescue/checkout/production', Overwrite: true });
    expect(parseRescueText(first?.Value ?? '')).toEqual({ ...carried(1), region: 'eu-central-1' });
  });

  it('are found by their release, page by page', async () => {
    ssm
      .on(GetParametersByPathCommand)
      .resolvesOnce({ Parameters: [{ Value: stored(7, 'search') }], NextToken: 'more' })
      .resolvesOnce({ Parameters: [{ Value: stored(1) }] });
    expect(await copies.ofRelease(releaseIdOf(1))).toEqual(carried(1));
    ssm.reset();
    ssm.on(GetParametersByPathCommand).resolves({ Parameters: [{ Value: stored(7) }] });
    expect(await copies.ofRelease(releaseIdOf(1))).toBeUndefined();
  });

  it('that cannot be kept are a passing trouble when the store does not answer, and not when it says no', async () => {
    ssm.on(PutParameterCommand).rejects(Object.assign(new Error('slow'), { name: 'TimeoutError' }));
    await expect(copies.keep(carried(1))).rejects.toBeInstanceOf(TransientError);
    ssm.on(PutParameterCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
    await expect(copies.keep(carried(1))).rejects.toThrow('no');
  });
});
