import type * as z from 'zod';
import type { Reason } from '#releases/release.ts';
import type { restoreCauseSchema } from '#rollout/tasks.ts';

type RestoreCause = z.infer<typeof restoreCauseSchema>;

const TEXT_MAX = 900;

/** A Lambda's error as Step Functions hands it on: JSON with the message, or any other text. */
const messageOf = (detail: string): string => {
  try {
    const parsed: unknown = JSON.parse(detail);
    if (typeof parsed === 'object' && parsed !== null && 'errorMessage' in parsed)
      return String(parsed.errorMessage);
  } catch {
    // Not JSON: the text is the message.
  }
  return detail;
};

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
      const text = messageOf(cause.detail).slice(0, TEXT_MAX) || cause.error;
      return cause.error === 'PolicyDeniedError'
        ? [{ code: 'refused', text }]
        : [{ code: 'step-failed', text: `${cause.error}: ${text}`, facts: { error: cause.error } }];
    }
  }
};
