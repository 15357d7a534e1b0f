import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { inclusionProof } from '#ledger/proofs.ts';
import { receiptText } from '#ledger/receipt.ts';
import { tilePath } from '#ledger/tiles.ts';
import { exportOf, type LedgerExport, writeExport } from '../builders/ledger-export.ts';
import { aSigner, storedRecords } from '../fakes/memory-log.ts';
import { checkLog, noGo } from './check-log.ts';

const missing = noGo();
if (missing !== undefined) process.stdout.write(`${missing}\n`);

const aside = mkdtempSync(path.join(tmpdir(), 'sluice-check-log-'));
afterAll(() => rmSync(aside, { recursive: true }));
const directory = path.join(aside, 'export');

const signer = aSigner();
const { records } = storedRecords(600);

const check = (found: LedgerExport, ...more: readonly string[]) => {
  writeExport(directory, found);
  return checkLog(signer.vkey, directory, ...more);
};

describe.runIf(missing === undefined)("Go's own notes and trees", { timeout: 240_000 }, () => {
  it.each([1, 2, 255, 256, 257, 600])(
    'read an export of %i records, and agree with all that is in it',
    async (size) => {
      const sound = await exportOf(records.slice(0, size), signer);
      const { ok, output } = check(sound);
      expect(output).toMatch(
        new RegExp(`^${size} records, ${sound.checkpoints.size} checkpoints, \\d+ proofs$`),
      );
      expect(ok).toBe(true);
    },
  );

  it('agree with a receipt of ours, and not with another record', async () => {
    const sound = await exportOf(records, signer);
    const receipt = receiptText({
      index: 300,
      proof: await inclusionProof(async (tile) => sound.tiles.get(tilePath(tile)), 300, 600),
      checkpoint: sound.checkpoints.get(600) ?? '',
    });
    const file = (name: string, content = ''): string => {
      writeFileSync(path.join(aside, name), content);
      return path.join(aside, name);
    };
    expect(check(sound, file('receipt', receipt), file('record', records[300]?.canonical))).toMatchObject({
      ok: true,
    });
    expect(check(sound, file('receipt', receipt), file('record', records[301]?.canonical))).toMatchObject({
      ok: false,
      output: expect.stringContaining('the receipt'),
    });
  });

  it('refuse what we refuse: a bundle, a tile and a checkpoint that were changed', async () => {
    const sound = await exportOf(records, signer);
    for (const name of ['tile/0/001', 'tile/entries/001', 'tile/0/002.p/88', 'tile/1/000.p/2']) {
      const bytes = Uint8Array.from(sound.tiles.get(name) ?? [], (byte, at) => (at === 40 ? byte ^ 1 : byte));
      const tiles = new Map([...sound.tiles, [name, bytes]]);
      expect(check({ ...sound, tiles }).ok, name).toBe(false);
    }
    const forged = await exportOf(records, aSigner());
    expect(check(forged).ok).toBe(false);
  });
});
