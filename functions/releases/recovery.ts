import type { ExecutionStatus } from '#releases/launch-release.ts';
import type { Release } from '#releases/release.ts';

export interface RecoveryFacts {
  readonly release: ExecutionStatus;
  /** The latest recovery workflow, if one was started. */
  readonly recovery: ExecutionStatus;
  readonly now: Date;
  readonly startGraceSeconds: number;
}

/** `advance`: it waits for its turn. `end`: it waited, was stopped, and has no workflow that could end it. */
export type RecoveryNeed = 'nothing' | 'launch' | 'advance' | 'end' | 'restore-and-conclude';

/**
 * What an open release needs. A stopped, failed or timed-out execution runs no Catch, so that its release would keep
 * its lock and its canary traffic for ever; a crash at the door leaves a release that nobody started.
 */
export const recoveryOf = (release: Release, facts: RecoveryFacts): RecoveryNeed => {
  if (release.concludedAt !== undefined) return 'nothing';
  if (facts.release === 'running' || facts.recovery === 'running') return 'nothing';
  if (release.waiting) return release.mode === 'forward' ? 'advance' : 'end';
  if (facts.release === 'absent' && release.mode === 'forward') {
    const ageSeconds = (facts.now.getTime() - Date.parse(release.requestedAt)) / 1_000;
    return ageSeconds >= facts.startGraceSeconds ? 'launch' : 'nothing';
  }
  return 'restore-and-conclude';
};
