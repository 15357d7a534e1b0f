import type { ReleaseId } from '#platform/ids.ts';
import type { Release } from '#releases/release.ts';
import { isAlone, shareOf } from '#rollout/routing.ts';
import { CANARY, releaseIdOf, STABLE } from '../../builders/release.ts';
import { type ControlPlane, SECOND_WAVE } from './control-plane.ts';
import type { Standing, Step } from './scheduler.ts';

export class InvariantBroken extends Error {
  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.name = invariant;
  }
}

/** What the release last said that it would give its version of the wave's traffic. */
const intendedIn = ({ progress }: Release, wave: number): number => {
  if (progress === undefined || wave > progress.wave) return 0;
  return wave < progress.wave ? 100 : progress.weightPercent;
};

/** What was seen of one release. */
interface Seen {
  /** When the first restore raised the fence, and in which waves a restore has written traffic since. */
  stoppedAt: number | undefined;
  readonly broughtBack: Set<number>;
  intended: readonly number[];
  hasEnded: boolean;
}

/** The releases that there may be. */
const IDS: readonly ReleaseId[] = [releaseIdOf(1), releaseIdOf(2), releaseIdOf(3)];

/** Looks at the shared state after every step. The numbers are those of the architecture's table of invariants. */
export class Watch {
  private readonly plane: ControlPlane;
  private time = 0;
  private shares: readonly number[];
  private readonly seen = new Map<ReleaseId, Seen>();
  /** Where traffic belongs in each wave while no release is at work: where the last one left it. */
  private home: readonly string[];
  /** How many tasks each version has, where it has any. */
  private tasks: readonly number[];
  private isPreparing = false;

  constructor(plane: ControlPlane) {
    this.plane = plane;
    this.home = plane.release.waves.map(() => STABLE);
    this.shares = this.sharesNow();
    this.tasks = this.tasksNow();
    for (const release of this.all()) this.remember(release);
  }

  private tasksNow(): readonly number[] {
    return [STABLE, CANARY].map((version) => this.plane.ecs?.tasksOf(version) ?? 0);
  }

  private all(): readonly Release[] {
    return IDS.flatMap((releaseId) => this.plane.releases.peek(releaseId) ?? []);
  }

  /** Percent that is not at home, in each wave. */
  private sharesNow(): readonly number[] {
    return this.plane.routings().map((routing, wave) => 100 - shareOf(routing, this.home[wave] ?? STABLE));
  }

  private isHome(): boolean {
    return this.plane.routings().every((routing, wave) => isAlone(routing, this.home[wave] ?? STABLE));
  }

  private remember(release: Release): Seen {
    const { releaseId, waves, mode } = release;
    const known = this.seen.get(releaseId);
    const seen: Seen = {
      stoppedAt: known?.stoppedAt ?? (mode === 'restoring' ? this.time : undefined),
      broughtBack: known?.broughtBack ?? new Set(),
      intended: waves.map((_, wave) => intendedIn(release, wave)),
      hasEnded: known?.hasEnded ?? false,
    };
    this.seen.set(releaseId, seen);
    return seen;
  }

  afterStep(step: Step): void {
    this.time += 1;
    const releases = this.all();
    for (const release of releases) this.onlyFalls(release, step);
    this.tasksAreThere(step);
    for (const release of releases) this.noteEnd(release);
    this.neverAboveIntended(releases);
    this.recorded(step, releases);
    this.oneAtATime(releases);
    this.lockFreedOnlyWhenHome(releases);

    const wrote = step.fate === 'go' || step.fate === 'fail-after';
    for (const release of releases) {
      const seen = this.remember(release);
      if (seen.stoppedAt !== undefined && wrote && step.call.startsWith('shifter.restore'))
        seen.broughtBack.add(step.call.endsWith(SECOND_WAVE) ? 1 : 0);
    }
    this.shares = this.sharesNow();
    this.tasks = this.tasksNow();
    this.isPreparing = this.plane.ledger.has('release.preparation.intended');
  }

  /** What decides, beside the state that all share, whether a later step breaks anything. */
  place(waiting: readonly Standing[]): string {
    const seen = [...this.seen].map(([releaseId, { stoppedAt, broughtBack, hasEnded }]) => [
      releaseId,
      [...broughtBack],
      hasEnded,
      stoppedAt !== undefined && waiting.map(({ madeAt }) => madeAt > stoppedAt),
    ]);
    return JSON.stringify([this.home, seen]);
  }

  private neverAboveIntended(releases: readonly Release[]): void {
    for (const [wave, routing] of this.plane.routings().entries()) {
      const home = this.home[wave];
      for (const version of new Set([routing.primary, ...Object.keys(routing.weights)])) {
        if (version === home) continue;
        const intents = releases
          .filter(({ waves, concludedAt }) => waves[wave]?.version === version && concludedAt === undefined)
          .map((release) => intendedIn(release, wave));
        const share = shareOf(routing, version);
        if (share > Math.max(0, ...intents))
          throw new InvariantBroken('INV-1', `${share} % on ${version}, ${intents} % intended`);
      }
    }
  }

  /**
   * A write that was on its way when the fence was raised may still land, at the weight that was recorded before. Nothing
   * else may: no write that is sent later, and none at all once the restore has written.
   */
  private onlyFalls(release: Release, { madeAt }: Step): void {
    const seen = this.seen.get(release.releaseId);
    if (seen?.stoppedAt === undefined || seen.hasEnded) return;
    const { stoppedAt } = seen;
    this.sharesNow().forEach((share, wave) => {
      if (seen.intended[wave] !== intendedIn(release, wave))
        throw new InvariantBroken('INV-1', 'another weight was recorded after a restore began');
      if (share <= (this.shares[wave] ?? 0) || this.plane.shape.isLoose) return;
      if (seen.broughtBack.has(wave))
        throw new InvariantBroken('INV-1', 'the canary rose after traffic had been brought back');
      // An ECS service is looked at before the weight is written: only the write's revision tells what is old by then.
      if (this.plane.ecs === undefined && madeAt > stoppedAt)
        throw new InvariantBroken('INV-1', 'the canary rose by a write that was sent after a restore began');
    });
  }

  /** Of two ECS services: what nobody wants any more is not prepared, and what traffic comes back to is not given back. */
  private tasksAreThere({ call, madeAt }: Step): void {
    const { ecs, ledger, release } = this.plane;
    if (ecs === undefined) return;
    const stoppedAt = this.seen.get(release.releaseId)?.stoppedAt;
    const isLate = stoppedAt !== undefined && madeAt > stoppedAt;
    const [stable = 0, canary = 0] = this.tasksNow();
    const [stableBefore = 0, canaryBefore = 0] = this.tasks;
    if (isLate && !this.isPreparing && ledger.has('release.preparation.intended'))
      throw new InvariantBroken('INV-1', 'a preparation was told after a restore began');
    if (isLate && canary > canaryBefore && !ledger.has('release.retirement.intended'))
      throw new InvariantBroken('INV-1', 'a version was prepared after a restore began');
    if (isLate && stable < stableBefore)
      throw new InvariantBroken('INV-2', 'the tasks that traffic comes back to were given back');
    if (call === 'releases.decide' && this.plane.routings().some(({ primary }) => ecs.tasksOf(primary) === 0))
      throw new InvariantBroken('INV-2', 'a release ends with all traffic at a service without tasks');
  }

  private recorded({ call }: Step, releases: readonly Release[]): void {
    const { ledger } = this.plane;
    const isStopped = [...this.seen.values()].some(({ stoppedAt }) => stoppedAt !== undefined);
    if (call.startsWith('shifter.setWeight') && !ledger.has('release.shift.intended'))
      throw new InvariantBroken('INV-5', 'a weight was set without an intent in the ledger');
    if (call.startsWith('shifter.promote') && !ledger.has('release.promotion.intended'))
      throw new InvariantBroken('INV-5', 'a version was promoted without an intent in the ledger');
    if (call.startsWith('shifter.restore') && !isStopped && !ledger.has('release.restore.intended'))
      throw new InvariantBroken('INV-5', 'traffic was restored without an intent in the ledger');
    const isTold = ledger.has('release.preparation.intended') || ledger.has('release.retirement.intended');
    if (call === 'ecs.update' && !isTold && !isStopped)
      throw new InvariantBroken('INV-5', 'tasks were changed without an intent in the ledger');
    if (ledger.contradicted.length > 0)
      throw new InvariantBroken(
        'INV-7',
        `a step told two different things: ${ledger.contradicted.join(', ')}`,
      );
    if (ledger.terminals().length > releases.length)
      throw new InvariantBroken('INV-4', 'a release has two terminal records');
  }

  /** Whoever waits has moved nothing, and whoever moves traffic found it where the one before left it. */
  private oneAtATime(releases: readonly Release[]): void {
    const moving = releases.filter(({ progress, concludedAt }) => progress && concludedAt === undefined);
    if (moving.length > 1)
      throw new InvariantBroken('INV-4', `${moving.map(({ releaseId }) => releaseId)} move traffic at once`);
    for (const { snapshots = [], mode, waiting } of releases) {
      if (mode === 'done') continue;
      if (waiting && snapshots.length > 0) throw new InvariantBroken('INV-4', 'a release began that waits');
      if (snapshots.some(({ stableVersion }, wave) => stableVersion !== this.home[wave]))
        throw new InvariantBroken('INV-2', 'a version was taken for stable that is not');
    }
  }

  private noteEnd(release: Release): void {
    const seen = this.seen.get(release.releaseId) ?? this.remember(release);
    if (seen.hasEnded || release.mode !== 'done') return;
    seen.hasEnded = true;
    if (release.outcome === 'promoted') this.home = release.waves.map(({ version }) => version);
    if (!this.isHome())
      throw new InvariantBroken('INV-4', `a release ended ${release.outcome} and traffic is elsewhere`);
  }

  private lockFreedOnlyWhenHome(releases: readonly Release[]): void {
    if (this.lock() !== undefined) return;
    const held = releases.filter(({ waiting }) => !waiting);
    if (this.plane.ledger.terminals().length < held.length)
      throw new InvariantBroken('INV-4', 'the lock is free without a terminal record');
    if (!this.isHome())
      throw new InvariantBroken('INV-4', 'the lock is free and traffic is not where it belongs');
  }

  private lock(): ReleaseId | undefined {
    const { releases, release } = this.plane;
    return releases.lockOf(release.service, release.environment);
  }

  /** Nothing is under way any more, and nobody has looked after it yet. */
  whenQuiet(): void {
    for (const { mode, fence, verified } of this.all())
      if (mode === 'restoring' && verified?.at === 'stable' && verified.fence === fence && !this.isHome())
        throw new InvariantBroken('INV-2', 'traffic was verified on stable and is elsewhere');
  }

  /** After everything ended and a last recovery ran. */
  atTheEnd(): void {
    const { ledger, ecs } = this.plane;
    const releases = this.all();
    for (const { releaseId, outcome, fence, concludedAt, verified } of releases) {
      if (concludedAt === undefined || outcome === undefined)
        throw new InvariantBroken('INV-4', `${releaseId} never ended`);
      if (fence > 1 && (outcome === 'promoted' || verified?.at !== 'stable'))
        throw new InvariantBroken('INV-2', `a restore began and ${releaseId} ended ${outcome}`);
    }
    if (ledger.terminals().length !== releases.length)
      throw new InvariantBroken('INV-4', 'a release has no terminal record');
    if (this.lock() !== undefined) throw new InvariantBroken('INV-4', 'the lock is still held');
    if (!this.isHome()) throw new InvariantBroken('INV-2', 'all has ended and traffic is elsewhere');
    if (ecs?.tasksOf(this.home[0] ?? STABLE) === 0)
      throw new InvariantBroken('INV-2', 'all traffic goes to a service without tasks');
  }
}
