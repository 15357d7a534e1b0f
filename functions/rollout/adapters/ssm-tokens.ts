import { GetParameterCommand, type SSMClient } from '@aws-sdk/client-ssm';
import { TransientError } from '#platform/errors.ts';
import { isHostOf } from '#policy/outbound-rules.ts';
import type { MetricHost } from '#policy/outbound-schema.ts';

/** How long a token read once is used; a new one is in force everywhere after this. */
const KEPT_MS = 60_000;

/** What a header may hold; a line's end in it would begin another header. */
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

/** Whatever keeps a token from being read is a source that can't be read, no more: the stage waits. */
const readToken = async (client: SSMClient, name: string): Promise<string> => {
  try {
    const { Parameter } = await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
    const token = Parameter?.Value?.trim() ?? '';
    if (TOKEN.test(token)) return token;
  } catch (error) {
    throw new TransientError(`the token in ${name} could not be read`, { cause: error });
  }
  throw new TransientError(`what ${name} holds is no bearer token`);
};

/**
 * The bearer token for a URL, from the parameter that the stage's configuration names beside the host: no definition
 * can have one host's token sent to another.
 */
export const ssmTokens = (client: SSMClient, hosts: readonly MetricHost[], now: () => number = Date.now) => {
  const kept = new Map<string, { readonly token: string; readonly until: number }>();
  return async (url: string): Promise<string | undefined> => {
    const Name = hosts.find(({ host }) => isHostOf(host, new URL(url)))?.tokenParameter;
    if (Name === undefined) return undefined;
    const known = kept.get(Name);
    if (known !== undefined && known.until > now()) return known.token;
    const token = await readToken(client, Name);
    kept.set(Name, { token, until: now() + KEPT_MS });
    return token;
  };
};
