import { createHmac, timingSafeEqual } from 'node:crypto';

const FORM = /^sha256=([0-9a-f]{64})$/;

/** GitHub makes secrets of any length; one that can be guessed lets anybody write into the ledger. */
export const SECRET_CHARACTERS_MIN = 16;

export const isSecret = (text: string): boolean => text.length >= SECRET_CHARACTERS_MIN;

/**
 * Whether one of the secrets signed these bytes (`X-Hub-Signature-256`). Without a usable secret nothing is: an empty one
 * is a key that everybody has. Every secret is tried, each in constant time, so that the time taken tells nothing.
 */
export const isSignedByGithub = (
  bytes: Uint8Array,
  signature: string | undefined,
  secrets: readonly string[],
): boolean => {
  const digits = FORM.exec(signature ?? '')?.[1];
  if (digits === undefined) return false;
  const given = Buffer.from(digits, 'hex');
  const matching = secrets
    .filter(isSecret)
    .map((secret) => timingSafeEqual(createHmac('sha256', secret).update(bytes).digest(), given));
  return matching.includes(true);
};
