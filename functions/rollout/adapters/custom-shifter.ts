import { InvokeCommand, type InvokeCommandOutput, type LambdaClient } from '@aws-sdk/client-lambda';
import type * as z from 'zod';
import { isNamed, orTransient } from '#platform/aws-errors.ts';
import { ConflictError, TransientError } from '#platform/errors.ts';
import type { CustomTarget } from '#policy/custom-target-schema.ts';
import {
  type CustomRequest,
  inspectAnswerSchema,
  routingAnswerSchema,
  writeAnswerSchema,
} from '#rollout/custom-shifter-protocol.ts';
import { describeRouting, isAlone, routingUnfitness } from '#rollout/routing.ts';
import {
  ALWAYS_PREPARED,
  type Inspection,
  type Routing,
  type TrafficShifter,
} from '#rollout/traffic-shifter.ts';

type Question = CustomRequest extends infer Request
  ? Request extends unknown
    ? Omit<Request, 'protocol' | 'parameters'>
    : never
  : never;
type Failure = { readonly result: 'conflict' | 'retry'; readonly text: string };

const unfit = (code: string, text: string): Inspection => ({ kind: 'unfit', code, text });
const nameOf = ({ functionName, alias }: CustomTarget): string => `${functionName}:${alias}`;

const answerOf = (name: string, output: InvokeCommandOutput): unknown => {
  // What the function says of its failure may hold anything; its own log has it, and nothing here repeats it.
  if (output.FunctionError !== undefined)
    throw new TransientError(`shifter function ${name} failed; its log says why`);
  try {
    return JSON.parse(output.Payload?.transformToString() ?? '');
  } catch (cause) {
    throw new TransientError(`shifter function ${name} gave no readable answer`, { cause });
  }
};

/**
 * Moves traffic by asking a function of the team's own. Whatever it does that isn't a clear answer (it throws, takes too
 * long, answers something else) is worth another try: traffic counts as moved, or as restored, only when it says so.
 */
export const customShifter = (client: LambdaClient): TrafficShifter<CustomTarget> => {
  const ask = async <S extends z.ZodType<{ readonly result: string }>>(
    target: CustomTarget,
    question: Question,
    schema: S,
  ): Promise<Exclude<z.output<S>, Failure>> => {
    const request = { protocol: 1, ...question, parameters: target.parameters };
    const name = nameOf(target);
    const output = await orTransient(
      `shifter function ${name}`,
      client.send(new InvokeCommand({ FunctionName: name, Payload: Buffer.from(JSON.stringify(request)) })),
    );
    const answer = schema.safeParse(answerOf(name, output));
    if (!answer.success)
      throw new TransientError(`shifter function ${name} answered ${question.action} off its contract`, {
        cause: answer.error,
      });
    const failure = answer.data as Failure;
    if (failure.result === 'conflict') throw new ConflictError(failure.text);
    if (failure.result === 'retry') throw new TransientError(failure.text);
    return answer.data as Exclude<z.output<S>, Failure>;
  };

  const write = async (target: CustomTarget, question: Question): Promise<void> => {
    await ask(target, question, writeAnswerSchema);
  };

  const readRouting = async (target: CustomTarget): Promise<Routing> => {
    const { primary, weights, revision } = await ask(target, { action: 'readRouting' }, routingAnswerSchema);
    return { primary, weights, revision };
  };

  /** The function's own finding, held against what it says of the routing: a restore goes by both. */
  const inspect = async (target: CustomTarget, version: string): Promise<Inspection> => {
    const found = await ask(target, { action: 'inspect', version }, inspectAnswerSchema);
    if (found.result === 'unfit') return unfit(found.code, found.text);
    const { stableVersion, timeoutSeconds } = found;
    const routing = await readRouting(target);
    if (!isAlone(routing, stableVersion))
      return unfit(
        'contradiction',
        `shifter function ${nameOf(target)} calls ${stableVersion} stable, and traffic is at ${describeRouting(routing)}`,
      );
    if (stableVersion === version)
      return unfit('already-running', `version ${version} already has all traffic`);
    return {
      kind: 'fit',
      snapshot: { stableVersion, ...(timeoutSeconds !== undefined && { timeoutSeconds }) },
    };
  };

  return {
    ...ALWAYS_PREPARED,
    readRouting,
    examine: async (target) => {
      const name = nameOf(target);
      try {
        const routing = await readRouting(target);
        return { kind: 'found', routing, unfit: routingUnfitness(`what ${name} moves`, routing) };
      } catch (error) {
        if (isNamed(error, 'ResourceNotFoundException'))
          return { kind: 'absent', text: `there is no function ${name}` };
        throw error;
      }
    },
    inspect: async (target, version) => {
      try {
        return await inspect(target, version);
      } catch (error) {
        if (isNamed(error, 'ResourceNotFoundException'))
          return unfit('no-target', `there is no function ${nameOf(target)}`);
        throw error;
      }
    },
    setWeight: (target, weight, revision) => write(target, { action: 'setWeight', ...weight, revision }),
    promote: (target, version, revision) => write(target, { action: 'promote', version, revision }),
    restore: (target, stable, revision) =>
      write(target, { action: 'restore', stable, ...(revision !== undefined && { revision }) }),
  };
};
