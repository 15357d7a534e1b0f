import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod';
import { TransientError } from '#platform/errors.ts';
import type { LambdaMetrics } from '#policy/lambda-metrics-schema.ts';
import { armFactsSchema } from '#rollout/judge/facts.ts';
import type { MetricSource, PeriodFacts } from '#rollout/metric-source.ts';

const answerSchema = z.array(z.strictObject({ start: z.int(), facts: armFactsSchema }));

/** What the function is asked; times are epoch milliseconds, `to` is not included. */
interface Question {
  readonly canary: string;
  readonly baseline: string;
  readonly from: number;
  readonly to: number;
  readonly periodSeconds: number;
}

/** Its answer as JSON. Whatever keeps it from giving one makes this a source that can't be read, no more. */
const ask = async (client: LambdaClient, functionName: string, question: Question): Promise<unknown> => {
  try {
    const { FunctionError, Payload } = await client.send(
      new InvokeCommand({ FunctionName: functionName, Payload: JSON.stringify(question) }),
    );
    if (FunctionError === undefined) return JSON.parse(Payload?.transformToString() ?? '');
  } catch (error) {
    throw new TransientError(`${functionName} gave no metrics`, { cause: error });
  }
  throw new TransientError(`${functionName} failed`);
};

/** A period outside what was asked, between two periods, or told twice would be counted in the wrong place. */
const misplaced = (periods: readonly PeriodFacts[], { from, to, periodSeconds }: Question): boolean =>
  new Set(periods.map(({ start }) => start)).size < periods.length ||
  periods.some(({ start }) => start < from || start >= to || (start - from) % (periodSeconds * 1_000) !== 0);

/** Facts from a function of the team's own; an answer that isn't exactly facts is trouble, never data. */
export const lambdaSource = (client: LambdaClient): MetricSource<LambdaMetrics> => ({
  read: async ({ functionName, periodSeconds }, { canary, baseline }, from, to) => {
    if (to <= from) return [];
    const question: Question = { canary, baseline, from, to, periodSeconds };
    const answer = answerSchema.safeParse(await ask(client, functionName, question));
    if (!answer.success) {
      const text = `${functionName} did not answer with facts: ${z.prettifyError(answer.error)}`;
      throw new TransientError(text.slice(0, 500));
    }
    if (misplaced(answer.data, question))
      throw new TransientError(`${functionName} told of periods that it was not asked for, or twice of one`);
    return answer.data.toSorted((one, other) => one.start - other.start);
  },
});
