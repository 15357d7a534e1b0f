import type { LedgerSpool, LedgerWriter } from '#ledger/append.ts';
import { isTerminal, type LedgerEventType } from '#ledger/event-types.ts';
import { ConflictError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import type { Target } from '#policy/target.ts';
import type { Release } from '#releases/release.ts';
import type { TrafficShifter } from '#rollout/traffic-shifter.ts';
import { aRelease, CANARY, NEXT, planWith, releaseIdOf, STABLE } from '../../builders/release.ts';
import { type MemoryReleases, memoryReleases } from '../../fakes/memory-releases.ts';
import { type MemoryShifter, memoryShifter } from '../../fakes/memory-shifter.ts';

/** A ledger reduced to what exploring needs, because it is made ten thousand times: batches by id, and contradictions. */
export interface BatchLedger extends LedgerWriter, LedgerSpool {
  readonly contradicted: readonly string[];
  terminals(): readonly LedgerEventType[];
  has(type: LedgerEventType): boolean;
  /** Which batches it holds, whatever their order. */
  place(): string;
}

export const batchLedger = (): BatchLedger => {
  const contents = new Map<string, string>();
  const types: LedgerEventType[] = [];
  const contradicted: string[] = [];
  const take: LedgerSpool['spool'] = async (batchId, drafts) => {
    const content = JSON.stringify(drafts);
    const earlier = contents.get(batchId);
    if (earlier === content) return;
    if (earlier !== undefined) {
      contradicted.push(batchId);
      throw new ConflictError(`the batch id ${batchId} was used for other records`);
    }
    contents.set(batchId, content);
    types.push(...drafts.map(({ event }) => event.type));
  };
  return {
    contradicted,
    terminals: () => types.filter(isTerminal),
    has: (type) => types.includes(type),
    place: () => [...contents.keys()].sort().join(' '),
    append: async (batchId, drafts) => {
      await take(batchId, drafts);
      return [];
    },
    spool: take,
  };
};

/** Everything the processes share. */
export interface ControlPlane {
  readonly release: Release;
  /** Asked for when the lock is free again, by those scenarios that have a later release. */
  readonly nextReleaseId: ReleaseId;
  readonly releases: MemoryReleases;
  readonly shifter: MemoryShifter;
  readonly ledger: BatchLedger;
}

/** A part of the control plane that breaks its promise, to see that exploring notices. */
export interface Mutation {
  readonly releases?: (honest: MemoryReleases) => MemoryReleases;
  readonly shifter?: Partial<Parameters<typeof memoryShifter>[0]>;
  /** In front of every process's shifter. */
  readonly calls?: (honest: TrafficShifter<Target>) => TrafficShifter<Target>;
}

/** A release with its lock and snapshot, before anything moved. */
export const newControlPlane = async (
  weights: readonly number[],
  mutation: Mutation,
): Promise<ControlPlane> => {
  const release = aRelease({ plan: planWith(...weights) });
  const honest = memoryReleases();
  await honest.reserve(release, { value: 'key', requestDigest: 'digest' });
  await honest.saveSnapshots(release.releaseId, 1, [{ stableVersion: STABLE, takenAt: release.requestedAt }]);
  return {
    release,
    nextReleaseId: releaseIdOf(2),
    releases: mutation.releases?.(honest) ?? honest,
    shifter: memoryShifter({ versions: [STABLE, CANARY, NEXT], ...mutation.shifter }),
    ledger: batchLedger(),
  };
};
