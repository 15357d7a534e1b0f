import { ConflictError } from '#platform/errors.ts';
import { type Target, targetIdentity } from '#policy/target.ts';
import { isAlone, routingUnfitness } from '#rollout/routing.ts';
import { ALWAYS_PREPARED, type Routing, type TrafficShifter } from '#rollout/traffic-shifter.ts';

interface MemoryShifterOptions {
  /** The published versions; the first one has all the traffic. */
  readonly versions: readonly [string, ...string[]];
  /** The only target there is; left out, every one is this one. */
  readonly target?: Target;
  /** Longest a request may run, seconds. */
  readonly timeoutSeconds?: number;
  /** Testers have a route of their own. */
  readonly hasTesters?: boolean;
  /** False makes it break the port's promise: writes that name an old revision go through. For mutation checks. */
  readonly checksRevisions?: boolean;
  /** False makes a restore that finds traffic on stable leave the revision as it is. For mutation checks. */
  readonly restoreAlwaysWrites?: boolean;
}

export interface MemoryShifter extends TrafficShifter<Target> {
  /** Where traffic is, without a call of the port. */
  routing(): Routing;
}

/** One target in memory, with the revisions that the port promises. */
export const memoryShifter = (options: MemoryShifterOptions): MemoryShifter => {
  const { versions, timeoutSeconds = 3, hasTesters = false } = options;
  const { checksRevisions = true, restoreAlwaysWrites = true } = options;
  let writes = 1;
  let routing: Omit<Routing, 'revision'> = {
    primary: versions[0],
    weights: {},
    ...(hasTesters && { testers: versions[0] }),
  };
  const present = (): Routing => ({ ...routing, revision: `r${writes}` });

  const write = (to: Omit<Routing, 'revision' | 'testers'>, testers: string, revision?: string): void => {
    if (checksRevisions && revision !== undefined && revision !== present().revision)
      throw new ConflictError('the routing was changed meanwhile');
    routing = { ...to, ...(hasTesters && { testers }) };
    writes += 1;
  };
  const alone = (version: string, revision?: string): void =>
    write({ primary: version, weights: {} }, version, revision);

  return {
    ...ALWAYS_PREPARED,
    routing: present,
    readRouting: async () => present(),
    examine: async (target) =>
      options.target !== undefined && JSON.stringify(target) !== JSON.stringify(options.target)
        ? { kind: 'absent', text: 'there is no such target' }
        : {
            kind: 'found',
            routing: present(),
            timeoutSeconds,
            unfit: routingUnfitness('the target', present()),
          },
    inspect: async (target, version) => {
      const stable = routing.primary;
      if (options.target !== undefined && JSON.stringify(target) !== JSON.stringify(options.target))
        return { kind: 'unfit', code: 'no-target', text: 'there is no such target' };
      const unfit = (code: string, text: string) => ({ kind: 'unfit', code, text }) as const;
      if (!isAlone(present(), stable)) return unfit('already-weighted', 'traffic is split already');
      if (stable === version) return unfit('already-running', `${version} has all traffic already`);
      if (!versions.includes(version)) return unfit('no-version', `there is no version ${version}`);
      return { kind: 'fit', snapshot: { stableVersion: stable, timeoutSeconds } };
    },
    setWeight: async (_target, { stable, canary, weightPercent, sticky, preview }, revision) =>
      write(
        {
          primary: stable,
          weights: weightPercent === 0 ? {} : { [canary]: weightPercent },
          ...(sticky && { sticky }),
        },
        weightPercent > 0 || preview ? canary : stable,
        revision,
      ),
    promote: async (_target, version, revision) => alone(version, revision),
    restore: async (_target, stable, revision) => {
      if (restoreAlwaysWrites || !isAlone(present(), stable)) alone(stable, revision);
    },
  };
};

/** Several targets in memory, each behind a shifter of its own. */
export const memoryShifters = (
  shifters: readonly (readonly [Target, MemoryShifter])[],
): TrafficShifter<Target> => {
  const of = (target: Target): MemoryShifter => {
    const found = shifters.find(([known]) => targetIdentity(known) === targetIdentity(target));
    if (found === undefined) throw new Error(`there is no target ${targetIdentity(target)}`);
    return found[1];
  };
  return {
    ...ALWAYS_PREPARED,
    inspect: (target, version) => of(target).inspect(target, version),
    examine: (target) => of(target).examine(target),
    readRouting: (target) => of(target).readRouting(target),
    setWeight: (target, weight, revision) => of(target).setWeight(target, weight, revision),
    promote: (target, version, revision) => of(target).promote(target, version, revision),
    restore: (target, stable, revision) => of(target).restore(target, stable, revision),
  };
};
