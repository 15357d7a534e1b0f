import { InvokeCommand, LambdaClient, ResourceNotFoundException } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { ConflictError } from '#platform/errors.ts';
import type { CustomTarget } from '#policy/custom-target-schema.ts';
import type { CustomRequest } from '#rollout/custom-shifter-protocol.ts';
import { checkoutTarget } from '../builders/release.ts';
import { memoryShifter } from './memory-shifter.ts';

export const customTarget: CustomTarget = {
  kind: 'custom',
  functionName: 'edge-shifter',
  alias: 'live',
  parameters: { pool: 'shop' },
};

/** A team's function as docs/targets.md describes it, behind Lambda's real client: one pool, three versions. */
export const customShifterFunction = () => {
  const pool = memoryShifter({ versions: ['1', '2', '3'] });
  const asked: CustomRequest[] = [];

  const serve = async (request: CustomRequest): Promise<object> => {
    const known = request.parameters.pool === 'shop';
    switch (request.action) {
      case 'inspect': {
        if (!known) return { result: 'unfit', code: 'no-target', text: 'there is no such pool' };
        const found = await pool.inspect(checkoutTarget, request.version);
        if (found.kind === 'unfit') return { result: 'unfit', code: found.code, text: found.text };
        return { result: 'fit', ...found.snapshot };
      }
      case 'readRouting':
        return { result: 'routing', ...pool.routing() };
      case 'setWeight':
        await pool.setWeight(checkoutTarget, request, request.revision);
        return { result: 'done' };
      case 'promote':
        await pool.promote(checkoutTarget, request.version, request.revision);
        return { result: 'done' };
      case 'restore':
        await pool.restore(checkoutTarget, request.stable, request.revision);
        return { result: 'done' };
    }
  };

  const client = new LambdaClient({ region: 'eu-central-1' });
  const mock = mockClient(client);
  const payloadOf = (answer: unknown) => ({
    Payload: Object.assign(Buffer.from(''), { transformToString: () => JSON.stringify(answer) }),
  });
  mock.on(InvokeCommand).callsFake(async ({ FunctionName, Payload }) => {
    if (FunctionName !== 'edge-shifter:live')
      throw new ResourceNotFoundException({ message: FunctionName, $metadata: {} });
    const request = JSON.parse(Buffer.from(Payload).toString()) as CustomRequest;
    asked.push(request);
    try {
      return payloadOf(await serve(request));
    } catch (error) {
      if (error instanceof ConflictError) return payloadOf({ result: 'conflict', text: error.message });
      throw error;
    }
  });
  /** Somebody who moves the pool without being asked by Sluice. */
  const drift = () => pool.restore(checkoutTarget, '3');
  return { client, mock, asked, payloadOf, drift };
};
