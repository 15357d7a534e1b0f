import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ArchivePorts, type ArchiveTerms, archiveLedger } from '#ledger/archive-ledger.ts';
import { withArchive } from '#ledger/archived-bundle.ts';
import { liftHold, putHold } from '#ledger/change-hold.ts';
import { exportLineOf } from '#ledger/export-line.ts';
import { BUNDLE_SIZE, bundleOf } from '#ledger/keys.ts';
import { sealLedger } from '#ledger/seal.ts';
import { bundleBytes, readHashes, tileBytes } from '#ledger/tiles.ts';
import { verifyLedger } from '#ledger/verify-ledger.ts';
import { LedgerIntegrityError, TransientError } from '#platform/errors.ts';
import { type MemoryArchive, memoryArchive } from '../fakes/memory-archive.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { type MemoryLog, memoryLog } from '../fakes/memory-log.ts';

const YEAR: ArchiveTerms = { keepMilliseconds: 365 * 86_400_000, mustBeLocked: true };
const ADA = { login: 'ada', kind: 'user', authenticated: true, via: 'api' } as const;
const AT = '2026-12-01T10:00:00.000Z';

/** A log of so many records, all of them signed and verified a year ago, and its archive. */
const aged = async (size: number): Promise<{ log: MemoryLog; archive: MemoryArchive }> => {
  const log = memoryLog();
  log.append(size);
  await sealLedger(log.ports);
  const archive = memoryArchive(log);
  archive.state.verified = size;
  return { log, archive };
};

/** What anyone reads of the whole ledger, wherever it is, checked against everything that was signed. */
const verified = async (log: MemoryLog, archive: MemoryArchive) => {
  const { size } = await log.ports.head();
  const sealed = Math.max(0, ...log.vault.keys());
  const read = withArchive(log.ports.bundle, archive.reader);
  const lines: string[] = [];
  for (let bundle = 0; bundle * BUNDLE_SIZE < sealed; bundle += 1)
    lines.push(...(await read(bundle, sealed)).map(exportLineOf));
  const checkpoints = [...log.vault]
    .toSorted(([a], [b]) => a - b)
    .map(([at, note]) => ({ name: `checkpoint ${at}`, size: at, note }));
  const published = {
    checkpoints,
    tiledSize: sealed,
    tiles: async (tile: Parameters<typeof log.ports.tiles.read>[0]) =>
      tileBytes(await readHashes(log.ports.tiles.read, tile)),
  };
  return { size, sealed, verdict: await verifyLedger(lines, published, log.key) };
};

const expectWhole = async (log: MemoryLog, archive: MemoryArchive): Promise<void> => {
  const { sealed, verdict } = await verified(log, archive);
  expect(verdict).toMatchObject(
    sealed === 0 ? { ok: false } : { ok: true, records: sealed, signed: { checkpoints: log.vault.size } },
  );
  // Nothing left the table that the archive does not have as it was written.
  for (const seq of log.removed) {
    const kept = await archive.reader.bundle(bundleOf(seq));
    expect(kept?.[seq % BUNDLE_SIZE]?.canonical).toBe(log.records[seq]?.canonical);
  }
};

/** Time for so many bundles. */
const timeFor = (bundles: number) => {
  let asked = 0;
  return () => {
    asked += 1;
    return asked <= bundles;
  };
};

const removedBundles = ({ removed }: MemoryLog): number[] =>
  [...new Set([...removed].map(bundleOf))].toSorted((a, b) => a - b);

describe('archiving', () => {
  it('moves whole bundles, in the words of the entry bundles, and leaves the one with the last record', async () => {
    const { log, archive } = await aged(3 * BUNDLE_SIZE);
    expect(await archiveLedger(archive.ports, YEAR)).toEqual({ archived: 2, heldBack: 0, more: false });
    expect(removedBundles(log)).toEqual([0, 1]);
    expect(log.removed.size).toBe(2 * BUNDLE_SIZE);
    for (const [bundle, bytes] of archive.bundles)
      expect(bytes).toEqual(log.files.get(`tile/entries/00${bundle}`));
    expect([...archive.told.keys()]).toEqual([0, 1]);
    await expectWhole(log, archive);
  });

  it('does nothing the second time', async () => {
    const { log, archive } = await aged(600);
    await archiveLedger(archive.ports, YEAR);
    const before = [...archive.rows.values()];
    expect(await archiveLedger(archive.ports, YEAR)).toEqual({ archived: 0, heldBack: 0, more: false });
    expect([...archive.rows.values()]).toEqual(before);
    await expectWhole(log, archive);
  });

  it.each([
    ['younger than a year', { now: () => new Date('2027-01-05T09:59:59.999Z') }],
    ['not verified', { verifiedSize: async () => 255 }],
    ['not signed', { covering: async () => undefined }],
  ] satisfies [string, Partial<ArchivePorts>][])('leaves what is %s', async (_, over) => {
    const { log, archive } = await aged(600);
    const outcome = await archiveLedger({ ...archive.ports, ...over }, YEAR);
    expect(outcome).toEqual({ archived: 0, heldBack: 0, more: false });
    expect(log.removed.size + archive.bundles.size).toBe(0);
  });

  it('ends when its time is up, and the next run goes on', async () => {
    const { log, archive } = await aged(3 * BUNDLE_SIZE + 1);
    const isTimeLeft = timeFor(1);
    expect(await archiveLedger({ ...archive.ports, isTimeLeft }, YEAR)).toMatchObject({
      archived: 1,
      more: true,
    });
    expect(await archiveLedger(archive.ports, YEAR)).toMatchObject({ archived: 2, more: false });
    await expectWhole(log, archive);
  });

  it('is done by one run at a time', async () => {
    const { archive } = await aged(600);
    await archive.ports.register.take(new Date('2027-01-05T09:59:00Z'), new Date('2027-01-05T10:14:00Z'));
    expect(await archiveLedger(archive.ports, YEAR)).toEqual({ archived: 0, heldBack: 0, more: true });
    expect(archive.bundles.size).toBe(0);
  });
});

describe('nothing leaves the table', () => {
  const refuses = async (log: MemoryLog, ports: ArchivePorts, text: RegExp, terms = YEAR): Promise<void> => {
    await expect(archiveLedger(ports, terms)).rejects.toThrow(LedgerIntegrityError);
    await expect(archiveLedger(ports, terms)).rejects.toThrow(text);
    expect(log.removed.size).toBe(0);
  };

  it.each([
    ['before', undefined],
    ['to now', new Date('2027-01-05T10:00:00.000Z')],
  ])('when the copy is not locked, or only %s', async (_, until) => {
    const { log, archive } = await aged(600);
    archive.state.lockedUntil = until;
    await refuses(log, archive.ports, /copy of bundle 0 is not locked/);
    expect(await archiveLedger(archive.ports, { ...YEAR, mustBeLocked: false })).toMatchObject({
      archived: 2,
    });
  });

  it('when something else is in the archive under that name', async () => {
    const { log, archive } = await aged(600);
    archive.bundles.set(0, bundleBytes(log.records.slice(256, 512).map(({ canonical }) => canonical)));
    await refuses(log, archive.ports, /is not what was put there/);
  });

  it('when a record was changed in the table, with or without a new hash', async () => {
    for (const rehash of [false, true]) {
      const { log, archive } = await aged(600);
      const record = log.records[7] ?? expect.fail('no record');
      log.records[7] = {
        ...record,
        canonical: record.canonical.replace('"n":7', '"n":8'),
        ...(rehash && { recordHash: 'a'.repeat(64) }),
      };
      await refuses(log, archive.ports, /record 7 is not the one that its tile tells of/);
    }
  });

  it('when a record is missing there and nothing was archived', async () => {
    const { log, archive } = await aged(600);
    log.records.splice(7, 1);
    await refuses(log, archive.ports, /of records 0 to 255 the table has|not the one/);
  });

  it('when the tile was changed with the record: the checkpoint decides', async () => {
    const { log, archive } = await aged(600);
    const other = memoryLog();
    other.append(600);
    const forged = [...(log.files.get('tile/0/000') ?? [])];
    forged[0] = (forged[0] ?? 0) ^ 1;
    log.files.set('tile/0/000', Uint8Array.from(forged));
    await refuses(log, archive.ports, /record 0 is not the one that its tile tells of/);
  });

  it('when the checkpoint is of another key', async () => {
    const { log, archive } = await aged(600);
    await refuses(log, { ...archive.ports, key: memoryLog().key }, /does not sign records 0 to 255/);
  });

  it('when the archive does not answer', async () => {
    const { log, archive } = await aged(600);
    const down = async () => Promise.reject(new TransientError('the archive did not answer: TimeoutError'));
    const ports = { ...archive.ports, archive: { ...archive.ports.archive, put: down } };
    await expect(archiveLedger(ports, YEAR)).rejects.toThrow(TransientError);
    expect(log.removed.size).toBe(0);
    expect(await archiveLedger(archive.ports, YEAR)).toMatchObject({ archived: 2 });
  });
});

describe('a legal hold', () => {
  const put = (archive: MemoryArchive, filter: Parameters<typeof putHold>[1]['filter'], digit = 'a') =>
    putHold(
      { holds: archive.holds, ledger: memoryLedger() },
      { holdId: `hold_${digit.repeat(26)}`, filter, reason: 'a lawsuit', by: ADA, at: AT },
    );
  const lift = (archive: MemoryArchive, digit = 'a') =>
    liftHold(
      { holds: archive.holds, ledger: memoryLedger() },
      { holdId: `hold_${digit.repeat(26)}`, key: 'k', reason: 'settled', by: ADA, at: AT },
    );

  it('keeps a bundle where it is as long as it covers one record of it, and lets others go', async () => {
    const { log, archive } = await aged(600);
    await put(archive, { service: 'checkout' });
    expect(await archiveLedger(archive.ports, YEAR)).toEqual({ archived: 0, heldBack: 2, more: false });
    expect(log.removed.size + archive.bundles.size).toBe(0);
    await put(archive, { service: 'other' }, 'b');
    await lift(archive);
    expect(await archiveLedger(archive.ports, YEAR)).toEqual({ archived: 2, heldBack: 0, more: false });
    await expectWhole(log, archive);
  });

  it('is put on what is archived already, and taken off when no hold is left', async () => {
    const { log, archive } = await aged(600);
    await archiveLedger(archive.ports, YEAR);
    await put(archive, { service: 'checkout' });
    await put(archive, { actor: 'sluice' }, 'b');
    await archiveLedger(archive.ports, YEAR);
    expect([...archive.heldInS3]).toEqual([0, 1]);
    await lift(archive);
    await archiveLedger(archive.ports, YEAR);
    expect([...archive.heldInS3]).toEqual([0, 1]);
    await lift(archive, 'b');
    await archiveLedger(archive.ports, YEAR);
    expect([...archive.heldInS3]).toEqual([]);
    await expectWhole(log, archive);
  });

  it('that comes between looking and removing keeps the records in the table, and the copy in S3', async () => {
    const { log, archive } = await aged(600);
    const ports: ArchivePorts = {
      ...archive.ports,
      tell: async () => void (await put(archive, { service: 'checkout' })),
    };
    expect(await archiveLedger(ports, YEAR)).toMatchObject({ archived: 0, heldBack: 2 });
    expect(log.removed.size).toBe(0);
    expect([...archive.heldInS3]).toEqual([0]);
    await lift(archive);
    expect(await archiveLedger(archive.ports, YEAR)).toMatchObject({ archived: 2 });
    expect([...archive.heldInS3]).toEqual([]);
    await expectWhole(log, archive);
  });

  it('that changes while it is being put on everything is put on everything', async () => {
    const { archive } = await aged(3 * BUNDLE_SIZE + 1);
    await archiveLedger(archive.ports, YEAR);
    await put(archive, { service: 'checkout' });
    const isTimeLeft = timeFor(2);
    expect(await archiveLedger({ ...archive.ports, isTimeLeft }, YEAR)).toMatchObject({ more: true });
    expect([...archive.heldInS3]).toEqual([0, 1]);
    await lift(archive);
    expect(await archiveLedger(archive.ports, YEAR)).toMatchObject({ more: false });
    expect([...archive.heldInS3]).toEqual([]);
  });
});

type Crash = 'before' | 'after';

/** The ports with every call under the scheduler, and with crashes at chosen calls. */
const crashing = (archive: MemoryArchive, scheduler: fc.Scheduler, crashes: Map<number, Crash>) => {
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
  const wrapped = <T extends object>(ports: T): T =>
    Object.fromEntries(
      Object.entries(ports).map(([name, call]) => [name, around(name, call as () => Promise<unknown>)]),
    ) as T;
  const { register, archive: bucket, key, now, isTimeLeft, ...others } = archive.ports;
  return { ...wrapped(others), register: wrapped(register), archive: wrapped(bucket), key, now, isTimeLeft };
};

describe('the ledger under interleavings of appends, seals, archivings, holds and crashes', {
  timeout: 120_000,
}, () => {
  it('is one gapless chain that agrees with every checkpoint, and the next run completes the archive', () =>
    fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom(1, 255, 256, 257), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 2 }),
        fc.array(fc.tuple(fc.nat({ max: 40 }), fc.constantFrom<Crash>('before', 'after')), { maxLength: 4 }),
        fc.boolean(),
        async (scheduler, batches, archivers, crashes, held) => {
          const log = memoryLog();
          const archive = memoryArchive(log);
          const ports = crashing(archive, scheduler, new Map(crashes));
          const step = (name: string) => scheduler.schedule(Promise.resolve(), name);
          const growing = async () => {
            for (const batch of batches) {
              await step('append');
              log.append(batch);
              await step('seal');
              await sealLedger(log.ports);
              archive.state.verified = (await log.ports.head()).size;
            }
          };
          const holding = async () => {
            if (!held) return;
            const holdPorts = { holds: archive.holds, ledger: memoryLedger() };
            const hold = { holdId: `hold_${'a'.repeat(26)}`, reason: 'r', by: ADA, at: AT };
            await step('put');
            await putHold(holdPorts, { ...hold, filter: { service: 'checkout' } });
            await step('lift');
            await liftHold(holdPorts, { ...hold, key: 'k' });
          };
          const archiving = async () => {
            for (let attempt = 0; attempt < 3; attempt += 1)
              await archiveLedger(ports, YEAR).catch((error: Error) => {
                expect(error.message).toMatch(/^crashed/);
                // The function is gone, and so is its claim once its time is over.
                return archive.ports.register.giveBack();
              });
          };
          const all = Promise.all([growing(), holding(), ...Array.from({ length: archivers }, archiving)]);
          await scheduler.waitFor(all);
          expect(await archiveLedger(archive.ports, YEAR)).toMatchObject({ heldBack: 0, more: false });
          const { size } = await log.ports.head();
          expect(removedBundles(log)).toEqual(
            Array.from({ length: Math.floor((size - 1) / BUNDLE_SIZE) }, (_, bundle) => bundle),
          );
          expect([...archive.heldInS3]).toEqual([]);
          // Appending and signing go on over the border.
          log.append(300);
          await sealLedger(log.ports);
          await expectWhole(log, archive);
        },
      ),
      { numRuns: 16 },
    ));
});
