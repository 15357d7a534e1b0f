import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { isSecret } from '#capture/github-signature.ts';
import { isNamed } from '#platform/aws-errors.ts';
import { TransientError } from '#platform/errors.ts';

export interface WebhookSecrets {
  readonly secrets: readonly string[];
  /** Parameters that are not there, or hold nothing that could be a secret. */
  readonly unusable: readonly string[];
  /** Why there may be secrets beside these: Parameter Store did not give a parameter that may well hold one. */
  readonly unread?: TransientError;
}

/** How long secrets read once are used; a new one is in force everywhere after this. */
const KEPT_MS = 60_000;

/** Without any, soon again: somebody is putting that right. */
const KEPT_WITHOUT_MS = 5_000;

/** The webhook's secrets, from the parameters that the stage's configuration names: two while one takes over from the other. */
export const ssmSecrets = (client: SSMClient, names: readonly string[], now: () => number = Date.now) => {
  let kept: { readonly read: WebhookSecrets; readonly until: number } | undefined;

  const readOne = async (Name: string): Promise<string | TransientError | undefined> => {
    try {
      const { Parameter } = await client.send(new GetParameterCommand({ Name, WithDecryption: true }));
      const secret = Parameter?.Value?.trim() ?? '';
      return isSecret(secret) ? secret : undefined;
    } catch (cause) {
      if (isNamed(cause, 'ParameterNotFound')) return undefined;
      // A denied read as well: whoever sent the delivery is not to blame, and it is to be sent again.
      return new TransientError('a webhook secret could not be read: deliver again in a moment', { cause });
    }
  };

  return async (): Promise<WebhookSecrets> => {
    if (kept !== undefined && kept.until > now()) return kept.read;
    const values = await Promise.all(names.map(readOne));
    const secrets = values.filter((value) => typeof value === 'string');
    const unusable = names.filter((_, index) => values[index] === undefined);
    const unread = values.find((value) => value instanceof TransientError);
    // Not kept: the next delivery may find what could not be read.
    if (unread !== undefined) return { secrets, unusable, unread };
    const read = { secrets, unusable };
    kept = { read, until: now() + (read.secrets.length > 0 ? KEPT_MS : KEPT_WITHOUT_MS) };
    return read;
  };
};
