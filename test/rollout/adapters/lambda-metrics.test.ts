import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { lambdaMetricsSchema } from '#policy/lambda-metrics-schema.ts';
import { lambdaSource } from '#rollout/adapters/lambda-metrics.ts';
import { CANARY, checkoutTarget, NOW_MS, STABLE } from '../../builders/release.ts';
import { memoryMetrics } from '../../fakes/memory-metrics.ts';
import { metricSourceContract } from '../metric-source-contract.ts';

const client = new LambdaClient({ region: 'eu-central-1' });
const lambda = mockClient(client);
const arms = { target: checkoutTarget, canary: CANARY, baseline: STABLE };
const definition = lambdaMetricsSchema.parse({ source: 'lambda', functionName: 'counts', periodSeconds: 10 });
const PERIOD_MS = 10_000;

const payload = (text: string) => Object.assign(new Uint8Array(), { transformToString: () => text });

beforeEach(() => {
  lambda.reset();
});

metricSourceContract('a function of one’s own', () => {
  const metrics = memoryMetrics();
  lambda.on(InvokeCommand).callsFake(async ({ Payload }) => {
    const { canary, baseline, from, to } = JSON.parse(String(Payload));
    const found = await metrics.read(definition, { target: checkoutTarget, canary, baseline }, from, to);
    return { Payload: payload(JSON.stringify(found.toReversed())) };
  });
  const breakDown = () => {
    metrics.down = true;
  };
  return { source: lambdaSource(client), definition, arms, put: metrics.put, breakDown };
});

const read = () => lambdaSource(client).read(definition, arms, NOW_MS, NOW_MS + 2 * PERIOD_MS);

describe('a function that keeps the counts', () => {
  it('is asked about both versions and the periods, and nothing else', async () => {
    lambda.on(InvokeCommand).resolves({ Payload: payload('[]') });
    expect(await read()).toEqual([]);
    const { FunctionName, Payload } = lambda.commandCalls(InvokeCommand)[0]?.args[0].input ?? {};
    expect(FunctionName).toBe('counts');
    expect(JSON.parse(String(Payload))).toEqual({
      canary: CANARY,
      baseline: STABLE,
      from: NOW_MS,
      to: NOW_MS + 2 * PERIOD_MS,
      periodSeconds: 10,
    });
  });

  const at = (start: number, facts: object = { canary: { requests: 1 } }) => ({ start, facts });
  it.each([
    ['nothing', ''],
    ['no JSON', 'oops'],
    ['null', 'null'],
    ['an object', '{"periods":[]}'],
    ['an unknown member', JSON.stringify([{ ...at(NOW_MS), note: 'x' }])],
    ['an unknown fact', JSON.stringify([at(NOW_MS, { canary: { requets: 1 } })])],
    ['a negative count', JSON.stringify([at(NOW_MS, { canary: { requests: -1 } })])],
    ['a count as text', JSON.stringify([at(NOW_MS, { canary: { requests: '1' } })])],
    ['a count of null', JSON.stringify([at(NOW_MS, { canary: { errors: null } })])],
    ['a time as text', JSON.stringify([{ ...at(0), start: '2026-03-01' }])],
    ['a period before', JSON.stringify([at(NOW_MS - PERIOD_MS)])],
    ['a period after', JSON.stringify([at(NOW_MS + 2 * PERIOD_MS)])],
    ['half a period', JSON.stringify([at(NOW_MS + PERIOD_MS / 2)])],
    ['a period twice', JSON.stringify([at(NOW_MS), at(NOW_MS)])],
  ])('and answers %s is trouble, never data', async (_, text) => {
    lambda.on(InvokeCommand).resolves({ Payload: payload(text) });
    await expect(read()).rejects.toBeInstanceOf(TransientError);
  });

  it.each(['AccessDeniedException', 'ResourceNotFoundException', 'TooManyRequestsException', 'TimeoutError'])(
    'and can not be called is trouble: %s',
    async (name) => {
      lambda.on(InvokeCommand).rejects(Object.assign(new Error('no'), { name }));
      await expect(read()).rejects.toBeInstanceOf(TransientError);
    },
  );

  it('and fails is trouble, whatever it says', async () => {
    lambda.on(InvokeCommand).resolves({ FunctionError: 'Unhandled', Payload: payload('[]') });
    await expect(read()).rejects.toBeInstanceOf(TransientError);
  });
});
