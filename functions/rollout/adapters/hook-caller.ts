import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { TransientError } from '#platform/errors.ts';
import type { HookDefinition } from '#policy/hook-schema.ts';
import type { OutboundRules } from '#policy/outbound-rules.ts';
import { outboundRequest, type Resolve } from '#rollout/adapters/outbound-request.ts';
import { type HookAnswer, type HookRequest, hookAnswerSchema } from '#rollout/hook-protocol.ts';
import type { HookCaller } from '#rollout/hooks.ts';

/** One try, within a look; the next look does the next one. */
const TIMEOUT_MS = 8_000;

const ANSWER_BYTES_MAX = 10_000;

export interface HookReach {
  readonly rules: OutboundRules;
  /** The bearer token for a URL, where the stage names one for its host. */
  readonly tokenFor: (url: string) => Promise<string | undefined>;
  readonly resolve?: Resolve;
}

const parse = (name: string, text: string): HookAnswer => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TransientError(`hook ${name} gave no readable answer`, { cause });
  }
  const answer = hookAnswerSchema.safeParse(value);
  if (answer.success) return answer.data;
  throw new TransientError(`hook ${name} answered off its contract`, { cause: answer.error });
};

/** What a function or a server says of its own failure may hold anything; its own log has it, nothing here repeats it. */
export const hookCaller = (client: LambdaClient, reach: HookReach): HookCaller => {
  const invoke = async (name: string, functionName: string, request: HookRequest): Promise<string> => {
    try {
      const { FunctionError, Payload } = await client.send(
        new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(request) }),
      );
      if (FunctionError === undefined) return Payload?.transformToString() ?? '';
    } catch (error) {
      const why = error instanceof Error ? error.name : 'unknown';
      throw new TransientError(`hook ${name} could not be called: ${why}`, { cause: error });
    }
    throw new TransientError(`hook ${name} failed in its own code; the log of ${functionName} says why`);
  };

  const post = async (name: string, url: string, request: HookRequest): Promise<string> => {
    const token = await reach.tokenFor(url);
    const outcome = await outboundRequest(
      {
        url,
        timeoutMs: TIMEOUT_MS,
        body: { bytesMax: ANSWER_BYTES_MAX },
        headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }) },
        post: JSON.stringify(request),
      },
      reach.rules,
      reach.resolve,
    );
    if (outcome.kind !== 'answered')
      throw new TransientError(`hook ${name} gave no answer: ${outcome.kind}, ${outcome.text}`);
    if (outcome.status !== 200)
      throw new TransientError(`hook ${name} answered with status ${outcome.status}`);
    return outcome.body;
  };

  return {
    call: async ({ name, call }: HookDefinition, request) =>
      parse(
        name,
        call.kind === 'lambda'
          ? await invoke(name, `${call.functionName}:${call.alias}`, request)
          : await post(name, call.url, request),
      ),
  };
};
