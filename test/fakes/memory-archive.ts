import type {
  ArchivedBundle,
  ArchivePorts,
  ArchiveProgress,
  ArchiveRegister,
} from '#ledger/archive-ledger.ts';
import { archivedRecords } from '#ledger/archived-bundle.ts';
import type { HoldStore } from '#ledger/change-hold.ts';
import type { LegalHold } from '#ledger/legal-hold.ts';
import type { MemoryLog } from './memory-log.ts';

/** Holds in memory, with the one promise of their table: a change is made to the revision that was read, or not at all. */
export const memoryHolds = (): HoldStore & { revision: number } => {
  const holds = new Map<string, LegalHold>();
  const store: HoldStore & { revision: number } = {
    revision: 0,
    read: async () => ({ revision: store.revision, holds: [...holds.values()] }),
    put: async (hold, revision) => {
      if (revision !== store.revision) return false;
      holds.set(hold.holdId, hold);
      store.revision += 1;
      return true;
    },
  };
  return store;
};

/** The archive's bucket and table in memory beside a log, and the archiver's ports on all of them. */
export const memoryArchive = (log: MemoryLog) => {
  const bundles = new Map<number, Uint8Array>();
  const heldInS3 = new Set<number>();
  const rows = new Map<number, ArchivedBundle>();
  const releases = new Map<string, Set<number>>();
  const told = new Map<number, string>();
  const holds = memoryHolds();
  let progress: ArchiveProgress = { next: 0, holdsRevision: 0, comparing: 0, comparedTo: 0 };
  let takenUntil = 0;
  const state = { lockedUntil: new Date('2033-01-01T00:00:00Z') as Date | undefined, verified: 0 };

  const register: ArchiveRegister = {
    take: async (now, until) => {
      if (takenUntil > now.getTime()) return false;
      takenUntil = until.getTime();
      return true;
    },
    giveBack: async () => {
      takenUntil = 0;
    },
    progress: async () => progress,
    saveProgress: async (next) => {
      progress = next;
    },
    from: async (bundle) =>
      [...rows.values()].filter((row) => row.bundle >= bundle).toSorted((a, b) => a.bundle - b.bundle),
    save: async (row) => void rows.set(row.bundle, row),
    noteRelease: async (releaseId, bundle) =>
      void releases.set(releaseId, (releases.get(releaseId) ?? new Set()).add(bundle)),
  };

  const ports: ArchivePorts = {
    key: log.key,
    head: log.ports.head,
    verifiedSize: async () => state.verified,
    covering: async (size) =>
      log.checkpoints.toSorted((a, b) => a.size - b.size).find((checkpoint) => checkpoint.size >= size),
    tiles: log.ports.tiles.read,
    table: log.ports.bundle,
    remove: async (bundle, sha256, records, revision) => {
      if (rows.get(bundle)?.sha256 !== sha256) throw new Error('the table does not know that it is archived');
      if (revision !== holds.revision) return false;
      for (const { seq } of records) log.removed.add(seq);
      return true;
    },
    archive: {
      put: async (bundle, bytes) => {
        if (!bundles.has(bundle)) bundles.set(bundle, bytes);
      },
      read: async (bundle) => bundles.get(bundle),
      lockedUntil: async () => state.lockedUntil,
      hold: async (bundle, on) => void (on ? heldInS3.add(bundle) : heldInS3.delete(bundle)),
    },
    register,
    holds: holds.read,
    personal: async () => new Map(),
    tell: async ({ bundle, sha256 }) => void told.set(bundle, sha256),
    now: () => new Date('2027-01-05T10:00:00.000Z'),
    isTimeLeft: () => true,
  };

  return {
    ports,
    state,
    bundles,
    heldInS3,
    rows,
    releases,
    told,
    holds,
    /** As everyone reads: from the table, and from here what is no longer there. */
    reader: {
      bundle: async (bundle: number) => {
        const bytes = bundles.get(bundle);
        return bytes && archivedRecords(bundle, bytes);
      },
    },
  };
};
export type MemoryArchive = ReturnType<typeof memoryArchive>;
