import type { Release } from '#releases/release.ts';

/** How long a breach lasted: from the look, alarm or command that found it to traffic read back on stable. */
export interface RestoredTime {
  readonly breachedAt: string;
  readonly verifiedAt: string;
  readonly milliseconds: number;
}

type Timed = Pick<Release, 'outcome' | 'verified' | 'restoringSince' | 'progress'>;

/**
 * Of a release that was rolled back; undefined where traffic had not moved. A look that decides to restore is the
 * breach, else the restore's own beginning.
 */
export const restoredTime = ({
  outcome,
  verified,
  restoringSince,
  progress,
}: Timed): RestoredTime | undefined => {
  const lookedAt = progress?.verdict === 'restore' ? progress.lookedAt : undefined;
  const breachedAt = lookedAt ?? restoringSince;
  if (outcome !== 'rolled-back' || verified?.at !== 'stable' || breachedAt === undefined) return undefined;
  const verifiedAt = verified.since ?? verified.time;
  const milliseconds = Math.max(0, Date.parse(verifiedAt) - Date.parse(breachedAt));
  return { breachedAt, verifiedAt, milliseconds };
};
