import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { isSecret } from '#capture/github-signature.ts';

export interface WebhookSecrets {
  readonly secrets: readonly string[];
  /** Parameters that could not be read, or hold nothing that could be a secret. */
  readonly unusable: readonly string[];
}

/** How long secrets read once are used; a new one is in force everywhere after this. */
const KEPT_MS = 60_000;

/** Without any, soon again: somebody is putting that right. */
const KEPT_WITHOUT_MS = 5_000;

/** The webhook's secrets, from the parameters that the stage's configuration names: two while one takes over from the other. */
export const ssmSecrets = (client: SSMClient, names: readonly string[], now: () => number = Date.now) => {
  let kept: { readonly read: WebhookSecrets; readonly until: number } | undefined;

  const readOne = async (Name: string): Promise<string | undefined> => {
    try {
      const { Parameter } = await client.send(new GetParameterCommand({ Name, WithDecryption: true }));
      const secret = Parameter?.Value?.trim() ?? '';
      return isSecret(secret) ? secret : undefined;
    } catch {
      return undefined;
    }
  };

  return async (): Promise<WebhookSecrets> => {
    if (kept !== undefined && kept.until > now()) return kept.read;
    const values = await Promise.all(names.map(readOne));
    const read = {
      secrets: values.filter((value) => value !== undefined),
      unusable: names.filter((_, index) => values[index] === undefined),
    };
    kept = { read, until: now() + (read.secrets.length > 0 ? KEPT_MS : KEPT_WITHOUT_MS) };
    return read;
  };
};
