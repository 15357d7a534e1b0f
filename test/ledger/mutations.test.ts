import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalJson } from '#ledger/canonical.ts';
import { EMPTY_LEDGER, linkRecords } from '#ledger/chain.ts';
import { verifyLedger } from '#ledger/verify-ledger.ts';
import { exportOf, type LedgerExport, publishedOf } from '../builders/ledger-export.ts';
import { aSigner } from '../fakes/memory-log.ts';
import { aDraft, aSalt } from './drafts.ts';

const SIZE = 40;
const signer = aSigner();
/** Every other one of what a person did, and so with values and salts that the text which is hashed has digests of. */
const { records } = linkRecords(
  EMPTY_LEDGER,
  Array.from({ length: SIZE }, (_, n) => ({
    ...aDraft({ n, reason: `reason ${n}` }),
    ...(n % 2 === 0 && { actor: { login: `p${n}`, kind: 'user', authenticated: true, via: 'api' } as const }),
  })),
  { newSalt: aSalt, ids: Array.from({ length: SIZE }, () => '01JGXQ00000000000000000000') },
);
const stored = records.map(({ record: { seq, recordHash }, canonical }) => ({ seq, recordHash, canonical }));
const sound = {
  ...(await exportOf(stored, signer, [7, SIZE])),
  lines: records.map(({ record }) => canonicalJson(record)),
};
const held = sound.checkpoints.get(SIZE);

const RECORDS = 'records.jsonl';
const files = new Map<string, Buffer>([
  [RECORDS, Buffer.from(sound.lines.join('\n'))],
  ...[...sound.checkpoints].map(([size, note]) => [`checkpoints/${size}`, Buffer.from(note)] as const),
  ...[...sound.tiles].map(([name, bytes]) => [name, Buffer.from(bytes)] as const),
]);

const exportWith = (name: string, bytes: Buffer): LedgerExport => {
  if (name === RECORDS) return { ...sound, lines: bytes.toString().split('\n') };
  if (!name.startsWith('checkpoints/')) return { ...sound, tiles: new Map([...sound.tiles, [name, bytes]]) };
  const size = Number(name.replace('checkpoints/', ''));
  return { ...sound, checkpoints: new Map([...sound.checkpoints, [size, bytes.toString()]]) };
};

const meaning = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => line.trim() !== '').map((line) => canonicalJson(JSON.parse(line)));

it('no byte of any file of an export can be changed, added or taken away unseen', { timeout: 240_000 }, () =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...files.keys()),
      fc.nat(),
      fc.nat({ max: 255 }),
      fc.constantFrom('replace', 'insert', 'delete', 'cut', 'double'),
      fc.boolean(),
      async (name, at, byte, how, withHeld) => {
        const bytes = files.get(name) ?? Buffer.alloc(0);
        const place = at % bytes.length;
        const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
        const one = Buffer.from([byte]);
        const changed = {
          replace: Buffer.concat([before, one, after.subarray(1)]),
          insert: Buffer.concat([before, one, after]),
          delete: Buffer.concat([before, after.subarray(1)]),
          cut: before,
          double: Buffer.concat([before, after, after]),
        }[how];
        const found = exportWith(name, changed);
        const verdict = await verifyLedger(found.lines, publishedOf(found), signer.key, {
          held: withHeld ? held : undefined,
        });
        if (!verdict.ok) expect(verdict.seq).toBeLessThanOrEqual(SIZE);
        else if (name === RECORDS) expect(meaning(found.lines)).toEqual(meaning(sound.lines));
        else expect(changed).toEqual(bytes);
      },
    ),
    { numRuns: 4_000 },
  ),
);
