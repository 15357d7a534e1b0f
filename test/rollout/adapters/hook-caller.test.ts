import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { mockClient } from 'aws-sdk-client-mock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '#platform/errors.ts';
import { hookDefinitionSchema } from '#policy/hook-schema.ts';
import { hookCaller } from '#rollout/adapters/hook-caller.ts';
import type { HookRequest } from '#rollout/hook-protocol.ts';

const request: HookRequest = {
  protocol: 1,
  hook: 'smoke-test',
  idempotencyKey: 'k',
  releaseId: 'r',
  service: 'checkout',
  environment: 'production',
  version: '2',
  wave: 'first',
  at: 'before-traffic',
  parameters: {},
};
const define = (call: unknown) =>
  hookDefinitionSchema.parse({ name: 'smoke-test', at: 'before-traffic', call });
const local = { hosts: ['127.0.0.1:*'], reach: 'local' as const };

describe('a hook that is a function', () => {
  const mock = mockClient(LambdaClient);
  const hook = define({ kind: 'lambda', functionName: 'smoke', alias: 'live' });
  const caller = hookCaller(new LambdaClient({}), { rules: local, tokenFor: async () => undefined });
  const answers = (text: string, FunctionError?: string) =>
    mock.on(InvokeCommand).resolves({
      Payload: Object.assign(new Uint8Array(), { transformToString: () => text }),
      ...(FunctionError && { FunctionError }),
    });
  beforeEach(() => mock.reset());

  it('is called by its alias and believed when it answers clearly', async () => {
    answers('{"result":"passed"}');
    expect(await caller.call(hook, request)).toEqual({ result: 'passed' });
    expect(mock.commandCalls(InvokeCommand)[0]?.args[0].input.FunctionName).toBe('smoke:live');
  });

  it.each(['', 'yes', '{"result":"ok"}', '{"result":"passed","extra":1}', '{"result":"passed","text":""}'])(
    'is not believed when it answers %s',
    async (text) => {
      answers(text);
      await expect(caller.call(hook, request)).rejects.toBeInstanceOf(TransientError);
    },
  );

  it('that throws, or can not be called, is trouble and tells nothing of its own words', async () => {
    answers('{"errorMessage":"password is hunter2"}', 'Unhandled');
    await expect(caller.call(hook, request)).rejects.toThrow(/^hook smoke-test failed in its own code/);
    mock.reset();
    mock.on(InvokeCommand).rejects(Object.assign(new Error('denied'), { name: 'AccessDeniedException' }));
    await expect(caller.call(hook, request)).rejects.toThrow('could not be called: AccessDeniedException');
  });
});

describe('a hook that is a server', () => {
  let server: Server;
  let url = '';
  let seen: { authorization?: string | undefined; body?: unknown; method?: string | undefined } = {};
  let answer = { status: 200, body: '{"result":"passed"}' };
  beforeEach(async () => {
    server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const body: unknown = JSON.parse(Buffer.concat(chunks).toString() || 'null');
        seen = { authorization: incoming.headers.authorization, body, method: incoming.method };
        response.writeHead(answer.status).end(answer.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    answer = { status: 200, body: '{"result":"passed"}' };
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const caller = (token?: string) =>
    hookCaller(new LambdaClient({}), { rules: local, tokenFor: async () => token });

  it('gets the request posted, with the token of its host', async () => {
    expect(await caller('t').call(define({ kind: 'http', url }), request)).toEqual({ result: 'passed' });
    expect(seen).toEqual({ authorization: 'Bearer t', body: request, method: 'POST' });
  });

  it('that answers with another status is asked again', async () => {
    answer = { status: 503, body: '{"result":"passed"}' };
    await expect(caller().call(define({ kind: 'http', url }), request)).rejects.toThrow('status 503');
  });

  it('at a host that the stage does not name is not called', async () => {
    const refused = hookCaller(new LambdaClient({}), {
      rules: { hosts: ['hooks.example.com'], reach: 'public' },
      tokenFor: async () => undefined,
    });
    await expect(
      refused.call(define({ kind: 'http', url: 'https://other.example.com/' }), request),
    ).rejects.toThrow(/refused, host other.example.com is not one/);
  });
});
