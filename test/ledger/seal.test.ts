import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '#ledger/checkpoint.ts';
import { type SealPorts, sealLedger } from '#ledger/seal.ts';
import { edgeOf, recordsIn, type Tile, tileOf, tilePath } from '#ledger/tiles.ts';
import { type MemoryLog, memoryLog, storedRecords } from '../fakes/memory-log.ts';
import { mth } from './rfc6962.ts';

const rootOf = (log: MemoryLog, size: number): string =>
  mth(log.records.slice(0, size).map(({ recordHash }) => Buffer.from(recordHash, 'hex'))).toString('hex');

/** All that must be true of a log however it came about. */
const expectSound = (log: MemoryLog): void => {
  const sizes = log.seals.map(({ size }) => size);
  expect(new Set(sizes).size).toBe(sizes.length);
  const inOrder = log.seals.toSorted((a, b) => a.n - b.n);
  inOrder.forEach((seal, n) => {
    expect(seal.n).toBe(n);
    expect(seal.previousSize).toBe(inOrder[n - 1]?.size ?? 0);
    expect(Buffer.from(seal.root).toString('hex')).toBe(rootOf(log, seal.size));
  });
  // Nothing was signed that is not a seal, and so no size for two trees.
  const sealed = new Set(
    log.seals.map(({ size, root }) => `${size}\n${Buffer.from(root).toString('base64')}`),
  );
  for (const text of log.signed) expect(sealed).toContain(text.split('\n').slice(1, 3).join('\n'));
  for (const [size, note] of log.vault) {
    const opened = openCheckpoint(note, log.key);
    expect(opened).toMatchObject({ ok: true, head: { size } });
  }
};

/** The bucket holds every tile of the tree of `size`, with what belongs in it. */
const expectTiles = (log: MemoryLog, size: number): void => {
  for (const { level, index, width } of edgeOf(size)) {
    const places: Tile[] = Array.from({ length: index }, (_, at) => ({ level, index: at, width: 256 }));
    if (width > 0) places.push({ level, index, width });
    for (const tile of places) {
      const span = 256 ** level;
      const hashes = Array.from({ length: tile.width }, (_, n) => {
        const from = (tile.index * 256 + n) * span;
        return mth(
          log.records.slice(from, from + span).map(({ recordHash }) => Buffer.from(recordHash, 'hex')),
        );
      });
      expect(Buffer.from(log.files.get(tilePath(tile)) ?? []), tilePath(tile)).toEqual(Buffer.concat(hashes));
      if (level !== 0) continue;
      const bundle = log.files.get(tilePath({ ...tile, level: 'entries' }));
      const canonicals = log.records.slice(tile.index * 256, tile.index * 256 + tile.width);
      expect(recordsIn(bundle ?? new Uint8Array())).toEqual(canonicals.map(({ canonical }) => canonical));
    }
  }
};

describe('sealing', () => {
  it('signs what is new, and nothing when nothing is', async () => {
    const log = memoryLog();
    expect(await sealLedger(log.ports)).toEqual({ outcome: 'nothing-new', size: 0 });
    expect(log.files.size).toBe(0);
    log.append(3);
    expect(await sealLedger(log.ports)).toEqual({ outcome: 'sealed', size: 3, records: 3, left: 0 });
    expect(await sealLedger(log.ports)).toEqual({ outcome: 'nothing-new', size: 3 });
    expect(log.signed).toHaveLength(1);
    expect([...log.vault.keys()]).toEqual([3]);
    expect(log.files.get('checkpoint')?.toString()).toBe(log.vault.get(3));
    expectSound(log);
    expectTiles(log, 3);
  });

  it.each([[[1, 254, 1, 1]], [[256]], [[300, 300, 300]], [[255, 2]], [[1_000, 536]]])(
    'grows the tree by batches of %j',
    async (batches) => {
      const log = memoryLog();
      for (const batch of batches) {
        log.append(batch);
        await sealLedger(log.ports);
      }
      expectSound(log);
      expectTiles(log, log.records.length);
    },
  );

  it('removes partial tiles once their place is full, and no others', async () => {
    const log = memoryLog();
    for (const batch of [100, 100, 100]) {
      log.append(batch);
      await sealLedger(log.ports);
    }
    const partial = [...log.files.keys()].filter((name) => name.includes('.p/')).toSorted();
    expect(partial).toEqual(['tile/0/001.p/44', 'tile/1/000.p/1', 'tile/entries/001.p/44']);
  });

  it.each([['an old one'], ['none']])(
    'puts the newest checkpoint where all look for it, and found %s',
    async (found) => {
      const log = memoryLog();
      log.append(3);
      await sealLedger(log.ports);
      const old = log.files.get('checkpoint') ?? expect.fail('no checkpoint');
      log.append(3);
      // The run ends before the last of its writes.
      const tiles = { ...log.ports.tiles, writeCheckpoint: () => Promise.reject(new Error('crashed')) };
      await expect(sealLedger({ ...log.ports, tiles })).rejects.toThrow('crashed');
      if (found === 'none') log.files.delete('checkpoint');
      else expect(log.files.get('checkpoint')).toEqual(old);
      expect(await sealLedger(log.ports)).toEqual({ outcome: 'nothing-new', size: 6 });
      expect(log.files.get('checkpoint')?.toString()).toBe(log.vault.get(6));
      expect(log.signed).toHaveLength(2);
    },
  );

  it('takes no more than a run can carry, and says how much is left', async () => {
    const log = memoryLog();
    log.append(700);
    expect(await sealLedger(log.ports, 400)).toMatchObject({ outcome: 'sealed', size: 400, left: 300 });
    expect(await sealLedger(log.ports, 400)).toMatchObject({ outcome: 'sealed', size: 700, left: 0 });
    expectSound(log);
  });
});

describe('nothing is signed', () => {
  const sealedLog = async (size: number): Promise<MemoryLog> => {
    const log = memoryLog();
    log.append(size);
    await sealLedger(log.ports);
    return log;
  };

  const refuses = async (log: MemoryLog, text: RegExp): Promise<void> => {
    const signed = log.signed.length;
    await expect(sealLedger(log.ports)).rejects.toMatchObject({
      name: 'LedgerIntegrityError',
      message: expect.stringMatching(text),
    });
    expect(log.signed).toHaveLength(signed);
  };

  it('when the ledger is shorter than what was signed: restored from a backup', async () => {
    const log = await sealedLog(300);
    log.setHead({ size: 250, hash: log.records[249]?.recordHash ?? '' });
    await refuses(log, /300 records were sealed and the ledger has 250: it was restored/);
  });

  it('when the last record is another one than was signed', async () => {
    const log = await sealedLog(300);
    log.setHead({ size: 300, hash: 'a'.repeat(64) });
    await refuses(log, /last of the 300 records is not the one that was sealed/);
  });

  it.each([
    ['a sealed record was changed', 290],
    ['a new record was changed', 305],
  ])('when %s', async (_, seq) => {
    const log = await sealedLog(300);
    log.append(10);
    const record = log.records[seq];
    if (record === undefined) throw new RangeError();
    log.records[seq] = { ...record, canonical: record.canonical.replace(`"n":${seq}`, '"n":0') };
    await refuses(log, new RegExp(`what is stored as record ${seq}`));
  });

  it('when the record before the new ones was replaced, with all that follow', async () => {
    const log = await sealedLog(300);
    log.append(10);
    const forged = storedRecords(13, { size: 297, hash: log.records[296]?.recordHash ?? '' }, (n) => ({
      forged: n,
    }));
    log.records.splice(297, 13, ...forged.records);
    log.setHead(forged.head);
    await refuses(log, /record 297 is not the one that was sealed/);
  });

  it('when a record is missing', async () => {
    const log = await sealedLog(300);
    log.append(10);
    log.records.splice(305, 1);
    await refuses(log, /what is stored as record 306 is not record 305/);
  });

  it('when the tiles are not those of the sealed tree', async () => {
    const log = await sealedLog(300);
    log.append(10);
    const tile = log.files.get('tile/0/001.p/44');
    if (tile === undefined) throw new RangeError();
    log.files.set(
      'tile/0/001.p/44',
      Uint8Array.from(tile, (byte, n) => (n === 0 ? byte ^ 1 : byte)),
    );
    await refuses(log, /do not make its root/);
  });
});

/** How a call to AWS can go wrong: not done, or done and the answer lost. */
type Crash = 'before' | 'after';

/** The ports with every call under the scheduler, so that runs interleave at each, and with crashes at chosen calls. */
const scheduled = (log: MemoryLog, scheduler: fc.Scheduler, crashes: Map<number, Crash>): SealPorts => {
  let calls = 0;
  const around =
    <A extends unknown[], R>(name: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      const crash = crashes.get(calls);
      calls += 1;
      await scheduler.schedule(Promise.resolve(), name);
      if (crash === 'before') throw new Error(`crashed before ${name}`);
      const result = await call(...args);
      if (crash === 'after') throw new Error(`crashed after ${name}`);
      return result;
    };
  const { seals, tiles, vault, signer, head, bundle, now } = log.ports;
  return {
    seals: {
      lastSeal: around('lastSeal', seals.lastSeal),
      lastCheckpoint: around('lastCheckpoint', seals.lastCheckpoint),
      putSeal: around('putSeal', seals.putSeal),
      putCheckpoint: around('putCheckpoint', seals.putCheckpoint),
    },
    tiles: {
      read: around('read', tiles.read),
      write: around('write', tiles.write),
      readCheckpoint: around('readCheckpoint', tiles.readCheckpoint),
      writeCheckpoint: around('writeCheckpoint', tiles.writeCheckpoint),
      prune: around('prune', tiles.prune),
    },
    vault: { keep: around('keep', vault.keep) },
    signer: async () => {
      const { key, sign } = await signer();
      return { key, sign: around('sign', sign) };
    },
    head: around('head', head),
    bundle: around('bundle', bundle),
    now,
  };
};

describe('sealing under interleavings and crashes', { timeout: 120_000 }, () => {
  it('signs one gapless, consistent row of trees, and the next run completes it', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom(1, 2, 3, 100, 255, 256, 257), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.nat({ max: 60 }), fc.constantFrom<Crash>('before', 'after')), { maxLength: 4 }),
        async (scheduler, batches, sealers, crashes) => {
          const log = memoryLog();
          const ports = scheduled(log, scheduler, new Map(crashes));
          const appending = batches.map((batch) =>
            scheduler.schedule(Promise.resolve(), 'append').then(() => log.append(batch)),
          );
          const runs = Array.from({ length: sealers }, async () => {
            // A run that fails is tried again by the schedule, with or without others beside it.
            for (let attempt = 0; attempt < 3; attempt += 1) {
              const failed = await sealLedger(ports).then(
                () => false,
                (error: Error) => {
                  expect(error.message).toMatch(/^crashed/);
                  return true;
                },
              );
              if (!failed) return;
            }
          });
          await scheduler.waitFor(Promise.all([...appending, ...runs]));
          expectSound(log);
          await sealLedger(log.ports);
          await sealLedger(log.ports);
          expectSound(log);
          const size = log.records.length;
          expectTiles(log, size);
          expect([...log.vault.keys()].toSorted((a, b) => a - b)).toEqual(
            log.seals.map((seal) => seal.size).toSorted((a, b) => a - b),
          );
          expect(log.checkpoints.map((one) => one.size)).toContain(size);
          expect(log.files.get('checkpoint')?.toString()).toBe(log.vault.get(size));
          for (const name of log.files.keys())
            if (name !== 'checkpoint') expect(tileOf(name), name).toBeDefined();
        },
      ),
      { numRuns: 200 },
    ));
});
