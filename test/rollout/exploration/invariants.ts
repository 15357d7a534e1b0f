import { isAlone, shareOf } from '#rollout/routing.ts';
import { CANARY, NEXT, STABLE } from '../../builders/release.ts';
import type { ControlPlane } from './control-plane.ts';
import type { Step } from './scheduler.ts';

export class InvariantBroken extends Error {
  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.name = invariant;
  }
}

/** Looks at the shared state after every step. The numbers are those of the architecture's table of invariants. */
export class Watch {
  private readonly plane: ControlPlane;
  private time = 0;
  private share = 0;
  private lockHeld = true;
  private intended: number | undefined;
  /** When the first restore raised the fence, and when traffic was first written by a restore after that. */
  private stoppedAt: number | undefined;
  private broughtBack = false;
  /** When each process last was answered. */
  private readonly answeredAt = new Map<string, number>();

  constructor(plane: ControlPlane) {
    this.plane = plane;
    this.share = shareOf(plane.shifter.routing(), CANARY);
    this.intended = this.present().progress?.weightPercent;
  }

  private present() {
    const { releases, release } = this.plane;
    return releases.peek(release.releaseId) ?? release;
  }

  /** Traffic now is where the last outcome says that it is, alone. */
  private isHome(): boolean {
    const { releases, nextReleaseId, shifter } = this.plane;
    const own = this.present().outcome === 'promoted' ? CANARY : STABLE;
    const home = releases.peek(nextReleaseId)?.outcome === 'promoted' ? NEXT : own;
    return isAlone(shifter.routing(), home);
  }

  afterStep(step: Step): void {
    this.time += 1;
    const release = this.present();
    const share = shareOf(this.plane.shifter.routing(), CANARY);
    if (share > (release.progress?.weightPercent ?? 0))
      throw new InvariantBroken(
        'INV-1',
        `${share} % on the canary, ${release.progress?.weightPercent} % intended`,
      );
    if (this.stoppedAt !== undefined) this.onlyFalls(step, share);
    this.recorded(step);
    this.lockFreedOnlyWhenHome();

    if (this.stoppedAt === undefined && release.mode === 'restoring') this.stoppedAt = this.time;
    const wrote = step.fate === 'go' || step.fate === 'fail-after';
    if (this.stoppedAt !== undefined && wrote && step.call === 'shifter.restore') this.broughtBack = true;
    this.share = share;
    this.intended = release.progress?.weightPercent;
    this.answeredAt.set(step.process, this.time);
  }

  /**
   * A write that was on its way when the fence was raised may still land, at the weight that was recorded before. Nothing
   * else may: no write that is sent later, and none at all once the restore has written.
   */
  private onlyFalls({ process }: Step, share: number): void {
    if (this.intended !== this.present().progress?.weightPercent)
      throw new InvariantBroken('INV-1', 'another weight was recorded after a restore began');
    if (share <= this.share) return;
    if (this.broughtBack)
      throw new InvariantBroken('INV-1', 'the canary rose after traffic had been brought back');
    if ((this.answeredAt.get(process) ?? 0) > (this.stoppedAt ?? 0))
      throw new InvariantBroken('INV-1', 'the canary rose by a write that was sent after a restore began');
  }

  private recorded({ call }: Step): void {
    const { ledger } = this.plane;
    if (call === 'shifter.setWeight' && !ledger.has('release.shift.intended'))
      throw new InvariantBroken('INV-5', 'a weight was set without an intent in the ledger');
    if (call === 'shifter.promote' && !ledger.has('release.promotion.intended'))
      throw new InvariantBroken('INV-5', 'a version was promoted without an intent in the ledger');
    if (call === 'shifter.restore' && this.stoppedAt === undefined && !ledger.has('release.restore.intended'))
      throw new InvariantBroken('INV-5', 'traffic was restored without an intent in the ledger');
    if (ledger.contradicted.length > 0)
      throw new InvariantBroken(
        'INV-7',
        `a step told two different things: ${ledger.contradicted.join(', ')}`,
      );
    if (ledger.terminals().length > (this.plane.releases.peek(this.plane.nextReleaseId) ? 2 : 1))
      throw new InvariantBroken('INV-4', 'a release has two terminal records');
  }

  private lockFreedOnlyWhenHome(): void {
    const { releases, release, ledger } = this.plane;
    this.lockHeld = releases.lockOf(release.service, release.environment) !== undefined;
    if (this.lockHeld) return;
    if (ledger.terminals().length === 0)
      throw new InvariantBroken('INV-4', 'the lock is free without a terminal record');
    if (!this.isHome())
      throw new InvariantBroken('INV-4', 'the lock is free and traffic is not where it belongs');
  }

  /** After everything ended and a last recovery ran. */
  atTheEnd(): void {
    const { outcome, fence, concludedAt, verified } = this.present();
    const { ledger } = this.plane;
    if (concludedAt === undefined || outcome === undefined || ledger.terminals().length === 0)
      throw new InvariantBroken('INV-4', 'the release never ended');
    if (this.lockHeld) throw new InvariantBroken('INV-4', 'the lock is still held');
    if (fence > 1 && (outcome === 'promoted' || verified?.at !== 'stable'))
      throw new InvariantBroken('INV-2', `a restore began and the release ended ${outcome}`);
    if (!this.isHome())
      throw new InvariantBroken('INV-2', `the release ended ${outcome} and traffic is elsewhere`);
  }
}
