import { describe, expect, it } from 'vitest';
import { readStoredRecord } from '#ledger/export-line.ts';
import { sealLedger } from '#ledger/seal.ts';
import { checkLedger, type SelfCheckPorts } from '#ledger/self-check.ts';
import { tilePath } from '#ledger/tiles.ts';
import { type MemoryLog, memoryLog } from '../fakes/memory-log.ts';

/** A log that was sealed after each of these batches. */
const sealedLog = async (...batches: readonly number[]): Promise<MemoryLog> => {
  const log = memoryLog();
  for (const batch of batches) {
    log.append(batch);
    await sealLedger(log.ports);
  }
  return log;
};

const portsOf = ({ ports, key, vault, files }: MemoryLog): SelfCheckPorts => ({
  key,
  sizesAbove: async (size, limit) =>
    [...vault.keys()]
      .filter((one) => one > size)
      .toSorted((a, b) => a - b)
      .slice(0, limit),
  locked: async (size) => ({ name: `checkpoint/${size}`, size, note: vault.get(size) ?? '' }),
  bundle: ports.bundle,
  tiles: ports.tiles.read,
  bundles: async (tile) => files.get(tilePath(tile)),
});

const edit = (log: MemoryLog, seq: number): void => {
  const record = log.records[seq];
  if (record === undefined) throw new RangeError(`no record ${seq}`);
  log.records[seq] = { ...record, canonical: record.canonical.replace('"n":', '"n":7') };
  expect(readStoredRecord(log.records[seq] ?? record).kind).toBe('unsound');
};

describe('the stack’s own check', () => {
  it('finds nothing in an untouched ledger, from the start and from every checkpoint', async () => {
    const log = await sealedLog(1, 99, 156, 1, 300, 43);
    for (const from of [0, 1, 100, 256, 257, 557])
      expect(await checkLedger(portsOf(log), from), String(from)).toMatchObject({
        from,
        verdict: { ok: true, records: 600, signed: { size: 600 } },
        reached: { size: 600 },
        more: false,
      });
    expect(await checkLedger(portsOf(log), 600)).toMatchObject({ verdict: { ok: true }, reached: undefined });
    expect(await checkLedger(portsOf(memoryLog()), 0)).toMatchObject({ verdict: { ok: true, records: 0 } });
  });

  it('goes a part at a time, and at least to the next checkpoint', async () => {
    const log = await sealedLog(200, 200, 200);
    const part = async (from: number, records: number) =>
      checkLedger(portsOf(log), from, { records, checkpoints: 1_500 });
    expect(await part(0, 450)).toMatchObject({ reached: { size: 400 }, more: true });
    expect(await part(400, 10)).toMatchObject({ reached: { size: 600 }, more: false });
  });

  it('reads only so many checkpoints in one part, and has all of them in the end', async () => {
    const log = await sealedLog(...Array.from({ length: 7 }, () => 10));
    let from = 0;
    const reached: number[] = [];
    for (let more = true; more; ) {
      const read: number[] = [];
      const ports = portsOf(log);
      const locked: SelfCheckPorts['locked'] = (size) => {
        read.push(size);
        return ports.locked(size);
      };
      const check = await checkLedger({ ...ports, locked }, from, { records: 100_000, checkpoints: 3 });
      // The one that it goes on from is read again.
      expect(read.length).toBeLessThanOrEqual(from === 0 ? 3 : 4);
      expect(check.verdict.ok).toBe(true);
      from = check.reached?.size ?? from;
      reached.push(from);
      more = check.more;
    }
    expect(reached).toEqual([30, 60, 70]);
    edit(log, 65);
    const last = await checkLedger(portsOf(log), 60, { records: 100_000, checkpoints: 3 });
    expect(last.verdict).toMatchObject({ ok: false, seq: 65 });
  });

  it.each([0, 199, 200, 399])('finds record %i edited', async (seq) => {
    const log = await sealedLog(200, 200);
    edit(log, seq);
    const verdict = { ok: false, fault: 'edited', seq };
    expect((await checkLedger(portsOf(log), 0)).verdict).toMatchObject(verdict);
    if (seq >= 200) expect((await checkLedger(portsOf(log), 200)).verdict).toMatchObject(verdict);
  });

  it('finds the record edited that it goes on from, and a checkpoint replaced under lock', async () => {
    const log = await sealedLog(200, 200);
    const last = log.records[199];
    log.records[199] = { ...(last ?? expect.fail('no record')), recordHash: 'a'.repeat(64) };
    expect((await checkLedger(portsOf(log), 200)).verdict).toMatchObject({ ok: false, seq: 199 });
    const other = await sealedLog(200, 200);
    for (const size of [200, 400]) {
      const spoiled = await sealedLog(200, 200);
      spoiled.vault.set(size, other.vault.get(size) ?? '');
      expect((await checkLedger(portsOf(spoiled), 200)).verdict).toMatchObject({ fault: 'bad-signature' });
      spoiled.vault.set(size, '');
      expect((await checkLedger(portsOf(spoiled), 200)).verdict).toMatchObject({ fault: 'bad-signature' });
    }
  });

  it('finds tiles and bundles changed, and records removed', async () => {
    const log = await sealedLog(200, 200);
    for (const name of ['tile/0/000', 'tile/0/001.p/144', 'tile/1/000.p/1', 'tile/entries/000']) {
      const sound = log.files.get(name) ?? expect.fail(`no ${name}`);
      log.files.set(
        name,
        Uint8Array.from(sound, (byte, at) => (at === 9 ? byte ^ 1 : byte)),
      );
      expect((await checkLedger(portsOf(log), 0)).verdict, name).toMatchObject({
        ok: false,
        fault: 'inconsistent',
      });
      log.files.set(name, sound);
    }
    log.records.splice(390, 10);
    expect((await checkLedger(portsOf(log), 200)).verdict).toMatchObject({ fault: 'truncated', seq: 390 });
  });
});
