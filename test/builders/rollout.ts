import type { Release } from '#releases/release.ts';
import { type Hooks, hooked } from '../fakes/hooked.ts';
import { memoryAlarms } from '../fakes/memory-alarms.ts';
import { memoryLedger } from '../fakes/memory-ledger.ts';
import { memoryMetrics } from '../fakes/memory-metrics.ts';
import { memoryReleases } from '../fakes/memory-releases.ts';
import { memoryRescueCopies } from '../fakes/memory-rescue-copies.ts';
import { memoryShifter } from '../fakes/memory-shifter.ts';
import { aRelease, aSnapshot, CANARY, checkoutTarget, NEXT, NOW, progressAt, STABLE } from './release.ts';

export type PortHooks = {
  readonly [P in 'releases' | 'shifter' | 'ledger' | 'spool' | 'source' | 'alarms']?: Hooks;
};

const subjectOf = ({ releaseId, service, environment, version, attempt }: Release) => ({
  releaseId,
  service,
  environment,
  version,
  attempt,
});

/** A reserved release on fakes, all traffic on stable, with every port of a rollout and `hooks` around them. */
export const aRollout = async (hooks: PortHooks = {}, overrides: Partial<Release> = {}) => {
  const release = aRelease(overrides);
  const { releaseId } = release;
  const target = release.waves[0]?.target ?? checkoutTarget;
  const releases = memoryReleases();
  const shifter = memoryShifter({ versions: [STABLE, CANARY, NEXT] });
  const ledger = memoryLedger();
  const source = memoryMetrics();
  const alarms = memoryAlarms();
  const troubles: string[] = [];
  await releases.reserve(release, { value: 'key', requestDigest: 'digest' });
  const ports = {
    releases: hooked(releases, hooks.releases ?? {}),
    shifter: hooked(shifter, hooks.shifter ?? {}),
    ledger: hooked(ledger, hooks.ledger ?? {}),
    spool: hooked(ledger, hooks.spool ?? {}),
    source: hooked(source, hooks.source ?? {}),
    alarms: hooked(alarms, hooks.alarms ?? {}),
    now: () => NOW,
    rescue: memoryRescueCopies(),
    onTrouble: (what: string) => troubles.push(what),
  };
  return {
    release,
    releaseId,
    releases,
    shifter,
    ledger,
    source,
    alarms,
    troubles,
    ports,
    target,
    carried: {
      subject: subjectOf(release),
      waves: [{ name: 'first', target, stableVersion: STABLE }],
    },
    types: () => ledger.records.map(({ event }) => event.type),
    present: () => releases.peek(releaseId) ?? release,
  };
};

/** The same with its snapshot taken: the canary may move. */
export const aReadyRollout = async (hooks: PortHooks = {}, overrides: Partial<Release> = {}) => {
  const rollout = await aRollout(hooks, overrides);
  await rollout.releases.saveSnapshots(rollout.releaseId, 1, [aSnapshot()]);
  return rollout;
};

/** The same with the canary at `weightPercent`, as its first stage leaves it. */
export const aMovedRollout = async (
  weightPercent: number,
  hooks: PortHooks = {},
  overrides: Partial<Release> = {},
) => {
  const rollout = await aReadyRollout(hooks, overrides);
  const { releases, releaseId, target, shifter } = rollout;
  await releases.intendStep(releaseId, 1, progressAt(0, weightPercent));
  const weight = { stable: STABLE, canary: CANARY, weightPercent };
  await shifter.setWeight(target, weight, shifter.routing().revision);
  return rollout;
};
