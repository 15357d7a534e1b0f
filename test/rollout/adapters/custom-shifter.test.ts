import { InvokeCommand } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { ConflictError, TransientError } from '#platform/errors.ts';
import { targetSchema } from '#policy/target.ts';
import { customShifter } from '#rollout/adapters/custom-shifter.ts';
import { customShifterFunction, customTarget } from '../../fakes/custom-shifter-function.ts';
import { trafficShifterContract } from '../traffic-shifter-contract.ts';

const made = () => {
  const fake = customShifterFunction();
  return { ...fake, shifter: customShifter(fake.client) };
};
/** A function that gives the same answer, whatever it is asked. */
const answering = (answer: unknown) => {
  const fake = made();
  fake.mock.on(InvokeCommand).resolves(fake.payloadOf(answer) as never);
  return fake.shifter;
};

trafficShifterContract('custom function', () => {
  const { shifter, drift } = made();
  return {
    shifter,
    drift,
    target: customTarget,
    missingTarget: { ...customTarget, alias: 'nowhere' },
    stable: '1',
    canary: '2',
    other: '3',
    missing: '99',
  };
});

describe('a custom shifter function', () => {
  it('is asked with the protocol, its parameters and nothing that it has no use for', async () => {
    const { shifter, asked } = made();
    const { revision } = await shifter.readRouting(customTarget);
    await shifter.setWeight(customTarget, { stable: '1', canary: '2', weightPercent: 5 }, revision);
    await shifter.restore(customTarget, '1');
    const common = { protocol: 1, parameters: { pool: 'shop' } };
    expect(asked).toEqual([
      { ...common, action: 'readRouting' },
      { ...common, action: 'setWeight', stable: '1', canary: '2', weightPercent: 5, revision },
      { ...common, action: 'restore', stable: '1' },
    ]);
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['done for a routing', { result: 'done' }],
    ['a weight above all', { result: 'routing', primary: '1', weights: { 2: 101 }, revision: 'r' }],
    ['a routing without a revision', { result: 'routing', primary: '1', weights: {}, revision: '' }],
    ['more than was asked for', { result: 'routing', primary: '1', weights: {}, revision: 'r', x: 1 }],
  ])('that answers %s is asked again: that is no routing', async (_what, answer) => {
    await expect(answering(answer).readRouting(customTarget)).rejects.toBeInstanceOf(TransientError);
  });

  it('is believed that it moved traffic only when it says so', async () => {
    for (const answer of [{}, { result: 'ok' }, 'done', { result: 'done', at: 'once' }])
      await expect(answering(answer).restore(customTarget, '1')).rejects.toBeInstanceOf(TransientError);
    await expect(answering({ result: 'done' }).restore(customTarget, '1')).resolves.toBeUndefined();
  });

  it('tells a lost race and a passing trouble apart', async () => {
    const told = (result: string) =>
      answering({ result, text: 'pool is busy' }).promote(customTarget, '2', 'r');
    await expect(told('conflict')).rejects.toBeInstanceOf(ConflictError);
    await expect(told('retry')).rejects.toBeInstanceOf(TransientError);
  });

  it('that fails is asked again, and what it said stays in its own log', async () => {
    const { shifter, mock, payloadOf } = made();
    const failed = { ...payloadOf({ errorMessage: 'password=hunter2' }), FunctionError: 'Unhandled' };
    mock.on(InvokeCommand).resolves(failed as never);
    const error = await shifter.restore(customTarget, '1').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(TransientError);
    expect(String(error)).not.toMatch(/hunter2/);
  });

  it('is not followed when it contradicts itself: what it calls stable must have all traffic', async () => {
    const { shifter, mock, payloadOf } = made();
    mock
      .on(InvokeCommand)
      .resolvesOnce(payloadOf({ result: 'fit', stableVersion: '7' }) as never)
      .resolves(payloadOf({ result: 'routing', primary: '1', weights: {}, revision: 'r' }) as never);
    expect(await shifter.inspect(customTarget, '2')).toMatchObject({ code: 'contradiction' });
  });

  it('that is not there makes the target unfit', async () => {
    const { shifter } = made();
    expect(await shifter.inspect({ ...customTarget, alias: 'gone' }, '2')).toMatchObject({
      code: 'no-target',
    });
  });

  it.each(['TooManyRequestsException', 'TimeoutError', 'ServiceException'])(
    'that Lambda does not reach is asked again: %s',
    async (name) => {
      const { shifter, mock } = made();
      mock.on(InvokeCommand).rejects(Object.assign(new Error(name), { name }));
      await expect(shifter.inspect(customTarget, '2')).rejects.toBeInstanceOf(TransientError);
      await expect(shifter.restore(customTarget, '1')).rejects.toBeInstanceOf(TransientError);
    },
  );

  it("that may not be called stays that: it won't pass by itself", async () => {
    const { shifter, mock } = made();
    mock.on(InvokeCommand).rejects(Object.assign(new Error('no'), { name: 'AccessDeniedException' }));
    await expect(shifter.inspect(customTarget, '2')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

describe('a custom target', () => {
  it('needs a function and an alias', () => {
    const { parameters: _, ...least } = customTarget;
    expect(targetSchema.parse(least)).toEqual({ ...least, parameters: {} });
  });

  it.each<[string, object]>([
    ['an ARN', { functionName: 'arn:aws:lambda:eu-central-1:123456789012:function:x' }],
    ['a pattern', { functionName: 'edge*' }],
    ['the unpublished code', { alias: '$LATEST' }],
    ['a version', { alias: '3' }],
    ['a parameter that is no text', { parameters: { pool: 1 } }],
    ['a parameter without a name', { parameters: { '': 'x' } }],
  ])('is refused with %s', (_what, change) => {
    expect(targetSchema.safeParse({ ...customTarget, ...change }).success).toBe(false);
  });
});
