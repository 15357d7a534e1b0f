import type { LedgerWriter } from '#ledger/append.ts';
import type { LedgerEventType } from '#ledger/event-types.ts';
import { systemActor } from '#platform/actor.ts';
import { digestOf } from '#platform/digest.ts';
import { ConflictError } from '#platform/errors.ts';
import type { ReleaseId } from '#platform/ids.ts';
import { type Target, targetIdentity } from '#policy/target.ts';
import type { TargetOwners } from '#policy/target-ownership.ts';
import type { ReleaseStore } from '#releases/release-store.ts';
import { standingOf } from '#releases/standing.ts';
import type { Deployment, DeploymentStore, Drift, Place } from '#rollout/deployment.ts';
import { type Compared, compare, describeExpected, type Expected, expectedOf } from '#rollout/drift.ts';
import type { Routing } from '#rollout/traffic-shifter.ts';

export interface ReconcilePorts {
  readonly releases: Pick<ReleaseStore, 'list' | 'get'>;
  readonly activeRelease: (service: string, environment: string) => Promise<ReleaseId | undefined>;
  readonly deployments: DeploymentStore;
  /** Undefined where there is no such target. */
  readonly routingOf: (target: Target) => Promise<Routing | undefined>;
  readonly owners: TargetOwners;
  readonly ledger: LedgerWriter;
  readonly now: () => string;
}

/** `busy`: a release is at work, and what runs is its business. `absent`: a target that never was there. */
export type Reconciled = 'busy' | 'absent' | 'first-seen' | 'as-left' | 'drifted';

const batchOf = ({ service, environment, target }: Place, ...step: readonly (string | number)[]): string =>
  ['deployment', service, environment, digestOf(targetIdentity(target)).slice(0, 16), ...step].join('/');

/** A look that was cut off after it told this may find the same thing in other words; once is enough. */
const tell = async (
  { ledger, now }: ReconcilePorts,
  { service, environment, target }: Place,
  batchId: string,
  type: LedgerEventType,
  data: Readonly<Record<string, unknown>>,
): Promise<void> => {
  try {
    await ledger.append(batchId, [
      {
        event: { type, timestamp: now() },
        change: { service, environment },
        actor: systemActor('reconcile-deployments'),
        data: { target, ...data },
      },
    ]);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
  }
};

/** Without `releaseId`: a release's own records end with its terminal one. */
const expectedFacts = (expected: Expected | undefined) =>
  expected === undefined ? {} : { expected: expected.by === 'release' ? expected.left : expected };

const begin = async (
  ports: ReconcilePorts,
  place: Place,
  known: Deployment | undefined,
  { expected, found }: Compared & { readonly kind: 'drifted' },
): Promise<void> => {
  const number = (known?.drifts ?? 0) + 1;
  const [owner] = await ports.owners.ownershipOf([place.target]);
  await tell(ports, place, batchOf(place, 'drift', number, 'found'), 'deployment.drifted', {
    drift: number,
    found,
    ...expectedFacts(expected),
    ...(owner !== undefined && { owner }),
    reasons: [
      {
        code: 'changed-without-a-release',
        text: `traffic is at ${found}; it should be at ${describeExpected(expected)}`,
      },
    ],
  });
  const drift: Drift = { number, expected: expected?.version ?? '', found, since: ports.now() };
  await keep(ports, place, known, { drifts: number, drift });
};

const tellOver = (ports: ReconcilePorts, place: Place, { number, since }: Drift, expected: Expected) =>
  tell(ports, place, batchOf(place, 'drift', number, 'over'), 'deployment.reconciled', {
    drift: number,
    since,
    ...expectedFacts(expected),
    reasons: [{ code: 'as-released', text: `traffic is at ${describeExpected(expected)}` }],
  });

/** Holds the target to what runs there now, because no release says what should. */
const observe = async (
  ports: ReconcilePorts,
  place: Place,
  known: Deployment | undefined,
  version: string,
) => {
  const firstSeen = { version, at: ports.now() };
  await tell(ports, place, batchOf(place, 'observed'), 'deployment.observed', { version });
  if (known?.drift) await tellOver(ports, place, known.drift, { by: 'first-seen', ...firstSeen });
  await keep(ports, place, known, { firstSeen, drift: undefined });
};

/** Somebody else's look that came between has told the same, and the next one finds what is left to do. */
const keep = async (
  { deployments }: ReconcilePorts,
  place: Place,
  known: Deployment | undefined,
  change: { readonly [K in keyof Deployment]?: Deployment[K] | undefined },
): Promise<void> => {
  const { drift, ...next } = { drifts: 0, ...known, ...change, revision: (known?.revision ?? 0) + 1 };
  await deployments.put(place, { ...(next as Deployment), ...(drift && { drift }) });
};

const isSame = (
  drift: Drift | undefined,
  { expected, found }: Compared & { readonly kind: 'drifted' },
): boolean => drift !== undefined && drift.found === found && drift.expected === (expected?.version ?? '');

/**
 * Compares what runs on a target with what the last release left there. The lock is read before and after the routing,
 * so that a release that begins or ends meanwhile is never taken for somebody else's change. A difference is told once,
 * however long it lasts, and once more when it is over.
 */
export const reconcileDeployment = async (ports: ReconcilePorts, place: Place): Promise<Reconciled> => {
  const { service, environment, target } = place;
  if ((await ports.activeRelease(service, environment)) !== undefined) return 'busy';
  const routing = await ports.routingOf(target);
  const [standing, known] = await Promise.all([
    standingOf(ports.releases, service, environment, [target]),
    ports.deployments.get(place),
  ]);
  if (standing.active !== undefined || (await ports.activeRelease(service, environment)) !== undefined)
    return 'busy';
  const expected = expectedOf(standing.left.get(targetIdentity(target)), known?.firstSeen);
  if (routing === undefined && expected === undefined) return 'absent';
  const compared = compare(expected, routing);
  switch (compared.kind) {
    case 'unheld':
      await observe(ports, place, known, compared.version);
      return 'first-seen';
    case 'as-left':
      if (known?.drift === undefined) return 'as-left';
      await tellOver(ports, place, known.drift, compared.expected);
      await keep(ports, place, known, { drift: undefined });
      return 'as-left';
    case 'drifted':
      if (!isSame(known?.drift, compared)) await begin(ports, place, known, compared);
      return 'drifted';
  }
};
