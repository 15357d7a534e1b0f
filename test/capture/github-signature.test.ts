import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSignedByGithub } from '#capture/github-signature.ts';

const sign = (bytes: Uint8Array, secret: string): string =>
  `sha256=${createHmac('sha256', secret).update(bytes).digest('hex')}`;

const SECRET = 'a secret of enough characters';

describe('a signature', () => {
  it("is the one of GitHub's documentation", () => {
    const bytes = Buffer.from('Hello, World!');
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    expect(isSignedByGithub(bytes, signature, ["It's a Secret to Everybody"])).toBe(true);
  });

  it('is good for these bytes alone, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), (bytes, at) => {
        expect(isSignedByGithub(bytes, sign(bytes, SECRET), [SECRET])).toBe(true);
        const changed = Uint8Array.from(bytes);
        const index = at % bytes.length;
        changed[index] = (changed[index] ?? 0) ^ 1;
        expect(isSignedByGithub(changed, sign(bytes, SECRET), [SECRET])).toBe(false);
      }),
    );
  });

  it('may be by any of the secrets', () => {
    const bytes = Buffer.from('{}');
    for (const secrets of [
      [SECRET, 'another that is long enough'],
      ['another that is long enough', SECRET],
    ])
      expect(isSignedByGithub(bytes, sign(bytes, SECRET), secrets)).toBe(true);
  });

  it.each([
    ['no secret', []],
    ['an empty one', ['']],
    ['one that can be guessed', ['short']],
  ])('is never good with %s', (_, secrets) => {
    const bytes = Buffer.from('{}');
    for (const secret of [...secrets, ''])
      expect(isSignedByGithub(bytes, sign(bytes, secret), secrets)).toBe(false);
  });

  it.each([
    undefined,
    '',
    'sha256=',
    'sha1=0000000000000000000000000000000000000000',
    `sha256=${'0'.repeat(63)}`,
    `sha256=${'0'.repeat(65)}`,
    `SHA256=${'0'.repeat(64)}`,
    `sha256=${'g'.repeat(64)}`,
  ])('has one form, which this has not: %s', (signature) => {
    expect(isSignedByGithub(Buffer.from('{}'), signature, [SECRET])).toBe(false);
  });

  it('is of lower-case digits, as GitHub writes it', () => {
    const bytes = Buffer.from('{}');
    expect(isSignedByGithub(bytes, sign(bytes, SECRET).toUpperCase(), [SECRET])).toBe(false);
  });
});
