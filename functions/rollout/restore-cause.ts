import * as z from 'zod';
import { shorten } from '#platform/text.ts';
import type { Reason } from '#releases/release.ts';
import type { restoreCauseSchema } from '#rollout/tasks.ts';

type RestoreCause = z.infer<typeof restoreCauseSchema>;

/** A reason holds a little more, and a name stands before the text. */
const TEXT_MAX = 900;
/** Workflows nest three deep. */
const NESTING_MAX = 5;

interface Failure {
  readonly error: string;
  readonly detail: string;
}

const lambdaFailureSchema = z.object({ errorMessage: z.string() });
const executionFailureSchema = z.object({
  ExecutionArn: z.string(),
  Status: z.string(),
  Error: z.string().optional(),
  Cause: z.string().optional(),
});

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** A nested workflow's failure is handed on with the whole execution as its detail; what failed in it is what counts. */
const innermost = (failure: Failure): Failure => {
  let found = failure;
  for (let depth = 0; depth < NESTING_MAX; depth += 1) {
    const execution = executionFailureSchema.safeParse(jsonOf(found.detail)).data;
    if (execution === undefined) return found;
    const { Status, Error: error = found.error, Cause = `a nested workflow ended ${Status}` } = execution;
    found = { error, detail: Cause };
  }
  return found;
};

/** A Lambda's error as Step Functions hands it on: JSON with the message, or any other text. */
const messageOf = ({ error, detail }: Failure): string =>
  shorten(lambdaFailureSchema.safeParse(jsonOf(detail)).data?.errorMessage ?? detail, TEXT_MAX) ||
  shorten(error, TEXT_MAX) ||
  'no reason given';

/**
 * The reasons of a restore, as people will read them. A PolicyDeniedError is a refusal and keeps its own words; any
 * other error names the step's failure. A moved fence adds nothing: whoever moved it has told why.
 */
export const reasonsOf = (cause: RestoreCause): readonly Reason[] => {
  switch (cause.kind) {
    case 'reasons':
      return cause.reasons;
    case 'fenced':
      return [{ code: 'stopped', text: 'the release was stopped' }];
    case 'error': {
      const failure = innermost(cause);
      const error = shorten(failure.error, 80);
      const text = messageOf(failure);
      return error === 'PolicyDeniedError'
        ? [{ code: 'refused', text }]
        : [{ code: 'step-failed', text: `${error}: ${text}`, facts: { error } }];
    }
  }
};
