import type { LedgerSpool, LedgerWriter } from '#ledger/append.ts';
import { isTerminal, type LedgerEventType } from '#ledger/event-types.ts';
import { ConflictError } from '#platform/errors.ts';
import type { Target } from '#policy/target.ts';
import type { LaunchPorts } from '#releases/launch-release.ts';
import type { Release } from '#releases/release.ts';
import type { RestorePorts } from '#rollout/restore.ts';
import type { Routing, TrafficShifter } from '#rollout/traffic-shifter.ts';
import {
  aRelease,
  aSnapshot,
  aWave,
  CANARY,
  checkoutTarget,
  NEXT,
  planWith,
  STABLE,
} from '../../builders/release.ts';
import { type MemoryExecutions, memoryExecutions } from '../../fakes/memory-executions.ts';
import { type MemoryReleases, memoryReleases } from '../../fakes/memory-releases.ts';
import { memoryShifter, memoryShifters } from '../../fakes/memory-shifter.ts';
import { type Ecs, ecsWith } from './ecs.ts';
import type { Scheduler } from './scheduler.ts';

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

/** What a release is of. */
export interface Shape {
  /** The plan's stages; none for a rollback, whose version is promoted at once. */
  readonly weights: readonly number[];
  /** Targets, one after the other, with a bake between them and a watch at the end. */
  readonly waves?: 1 | 2;
  /** The one target is two ECS services, whose tasks are prepared and given back. */
  readonly isEcs?: true;
  /** A write to the target may arrive long after it was compared with what was there, as one to a listener rule may. */
  readonly isLoose?: true;
}

/** Everything the processes share. */
export interface ControlPlane {
  readonly shape: Shape;
  readonly release: Release;
  readonly releases: MemoryReleases;
  readonly executions: MemoryExecutions;
  readonly ledger: BatchLedger;
  readonly ecs: Ecs | undefined;
  /** Where the traffic of each wave goes. */
  routings(): readonly Routing[];
  /** Without a scheduler, for what comes before and after the processes. */
  readonly shifter: TrafficShifter<Target>;
  shifterFor(scheduler: Scheduler, process: string): TrafficShifter<Target>;
}

/** What one process sees of it. */
export type Ports = RestorePorts & LaunchPorts;

/** A part of the control plane that breaks its promise, to see that exploring notices. */
export interface Mutation {
  readonly releases?: (honest: MemoryReleases) => Partial<MemoryReleases>;
  readonly shifter?: Partial<Parameters<typeof memoryShifter>[0]>;
  /** In front of every process's shifter. */
  readonly calls?: (honest: TrafficShifter<Target>) => Partial<TrafficShifter<Target>>;
  /** In front of all that one process sees. */
  readonly ports?: (honest: Ports) => Partial<Ports>;
}

const VERSIONS = [STABLE, CANARY, NEXT] as const;
const US = { ...checkoutTarget, alias: 'us' };
const SECONDS = 60;

export const releaseOf = (
  { weights, waves = 1, isEcs }: Shape,
  overrides: Partial<Release> = {},
): Release => {
  const version = overrides.version ?? CANARY;
  const target = isEcs ? ecsWith.target : checkoutTarget;
  const us = aWave({ name: 'us', target: US, version, bakeSeconds: SECONDS });
  return aRelease({
    waves: [aWave({ target, version }), ...(waves === 2 ? [us] : [])],
    plan: { ...planWith(...weights), watchSeconds: waves === 2 ? SECONDS : 0 },
    ...(weights.length === 0 && { strategy: 'rollback' }),
    ...overrides,
  });
};

/** What a call on the second wave's target ends with. */
export const SECOND_WAVE = ' us';

const waveOf = ([target]: readonly unknown[]): string => (target === US ? SECOND_WAVE : '');

/** A release with its lock and snapshots, before anything moved. */
export const newControlPlane = async (
  shape: Shape,
  release: Release,
  { releases: broken, shifter: options, calls }: Mutation,
): Promise<ControlPlane> => {
  const honest = memoryReleases();
  await honest.reserve(release, { value: 'key', requestDigest: 'digest' });
  const snapshots = release.waves.map(() => aSnapshot({ takenAt: release.requestedAt }));
  await honest.saveSnapshots(release.releaseId, 1, snapshots);
  const releases = { ...honest, ...broken?.(honest) };
  const mutated = <T extends TrafficShifter<Target>>(shifter: T): T => ({ ...shifter, ...calls?.(shifter) });
  const rest = { shape, release, releases, executions: memoryExecutions(), ledger: batchLedger() };
  if (shape.isEcs) {
    const ecs = ecsWith.services({ [STABLE]: 2, [CANARY]: 0 });
    return {
      ...rest,
      ecs,
      routings: () => [ecs.routing()],
      shifter: ecs.shifter(),
      shifterFor: (scheduler, process) => mutated(ecs.shifter(scheduler, process)),
    };
  }
  const places = release.waves.map(
    ({ target }) =>
      [
        target,
        memoryShifter({ versions: VERSIONS, ...(shape.isLoose && { checksRevisions: false }), ...options }),
      ] as const,
  );
  const shifter = memoryShifters(places);
  return {
    ...rest,
    ecs: undefined,
    routings: () => places.map(([, place]) => place.routing()),
    shifter,
    shifterFor: (scheduler, process) => scheduler.ported(process, 'shifter', mutated(shifter), waveOf),
  };
};
