import {
  GetAliasCommand,
  GetFunctionConfigurationCommand,
  GetProvisionedConcurrencyConfigCommand,
  PreconditionFailedException,
  UpdateAliasCommand,
} from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { ConflictError, TransientError } from '#platform/errors.ts';
import { lambdaAliasShifter } from '#rollout/adapters/lambda-alias-shifter.ts';
import { checkoutTarget } from '../../builders/release.ts';
import { lambdaControlPlane } from '../../fakes/lambda-control-plane.ts';
import { trafficShifterContract } from '../traffic-shifter-contract.ts';

const shifterOver = (versions: Parameters<typeof lambdaControlPlane>[1]) => {
  const { client, mock } = lambdaControlPlane(checkoutTarget, versions);
  return { shifter: lambdaAliasShifter(client), mock, client };
};

trafficShifterContract('Lambda alias', () => {
  const { shifter, client } = shifterOver({ '1': {}, '2': {}, '3': {} });
  const { functionName, alias } = checkoutTarget;
  return {
    shifter,
    drift: () =>
      client.send(new UpdateAliasCommand({ FunctionName: functionName, Name: alias, FunctionVersion: '3' })),
    target: checkoutTarget,
    missingTarget: { ...checkoutTarget, alias: 'nowhere' },
    stable: '1',
    canary: '2',
    other: '3',
    missing: '99',
  };
});

describe('the Lambda alias shifter', () => {
  it('refuses versions that Lambda cannot weight against each other, before anything moves', async () => {
    const { shifter } = shifterOver({
      '1': { deadLetterArn: 'arn:aws:sqs:eu-central-1:123456789012:a' },
      '2': {
        role: 'arn:aws:iam::123456789012:role/other',
        deadLetterArn: 'arn:aws:sqs:eu-central-1:123456789012:a',
      },
      '3': { deadLetterArn: 'arn:aws:sqs:eu-central-1:123456789012:b' },
      '4': {},
    });
    expect(await shifter.inspect(checkoutTarget, '2')).toMatchObject({ code: 'different-role' });
    for (const version of ['3', '4'])
      expect(await shifter.inspect(checkoutTarget, version)).toMatchObject({
        code: 'different-dead-letter-target',
      });
  });

  it('refuses an alias that Lambda weights by itself for minutes after a promotion', async () => {
    const { shifter, mock } = shifterOver({ '1': {}, '2': {} });
    mock
      .on(GetProvisionedConcurrencyConfigCommand, { FunctionName: 'checkout', Qualifier: 'live' })
      .resolves({ Status: 'READY' });
    expect(await shifter.inspect(checkoutTarget, '2')).toMatchObject({
      code: 'provisioned-concurrency',
      text: expect.stringMatching(/on the versions/),
    });
  });

  it.each(['$LATEST', '0', '1.0', '-1', 'live', '2 ', ''])(
    'never releases %j: that is no published version',
    async (version) => {
      const { shifter, mock } = shifterOver({ '1': {}, '2': {} });
      expect(await shifter.inspect(checkoutTarget, version)).toMatchObject({ code: 'not-a-version' });
      expect(mock.calls()).toHaveLength(0);
    },
  );

  it('takes the longer time-out of the two versions, because metrics of either must have settled', async () => {
    const { shifter } = shifterOver({ '1': { timeoutSeconds: 3 }, '2': { timeoutSeconds: 30 } });
    expect(await shifter.inspect(checkoutTarget, '2')).toMatchObject({ snapshot: { timeoutSeconds: 30 } });
  });

  it('says so when the running version is gone: nothing could be restored', async () => {
    const { shifter, mock } = shifterOver({ '1': {}, '2': {} });
    mock.on(GetAliasCommand).resolves({ FunctionVersion: '7', RevisionId: 'r' });
    expect(await shifter.inspect(checkoutTarget, '2')).toMatchObject({ code: 'no-stable-version' });
  });

  it('takes a weight of zero for no weight, as Lambda shows after some changes', async () => {
    const { shifter, mock } = shifterOver({ '1': {}, '2': {} });
    mock.on(GetAliasCommand).resolves({
      FunctionVersion: '1',
      RevisionId: 'r',
      RoutingConfig: { AdditionalVersionWeights: { '2': 0 } },
    });
    expect(await shifter.readRouting(checkoutTarget)).toMatchObject({ primary: '1', weights: {} });
  });

  it('tells passing trouble as such, so that the workflow tries again', async () => {
    const { shifter, mock } = shifterOver({ '1': {}, '2': {} });
    const throttled = Object.assign(new Error('slow down'), { name: 'TooManyRequestsException' });
    for (const command of [GetAliasCommand, UpdateAliasCommand, GetFunctionConfigurationCommand] as const)
      mock.on(command as typeof GetAliasCommand).rejects(throttled);
    await expect(shifter.readRouting(checkoutTarget)).rejects.toBeInstanceOf(TransientError);
    await expect(shifter.inspect(checkoutTarget, '2')).rejects.toBeInstanceOf(TransientError);
    await expect(shifter.restore(checkoutTarget, '1')).rejects.toBeInstanceOf(TransientError);
  });

  it('takes the answer to a repeated write, whose first try had landed, for a lost race that may be looked into', async () => {
    const { shifter, mock } = shifterOver({ '1': {}, '2': {} });
    mock
      .on(UpdateAliasCommand)
      .rejects(new PreconditionFailedException({ message: 'does not match', $metadata: {} }));
    await expect(shifter.promote(checkoutTarget, '2', 'r')).rejects.toBeInstanceOf(ConflictError);
  });
});
