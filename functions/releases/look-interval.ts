import type { Progress, Release } from '#releases/release.ts';

/** Between two looks, in seconds: counts of the wave's source come no finer, so that a look sooner would see nothing new. */
export const lookIntervalSeconds = (
  { waves }: Pick<Release, 'waves'>,
  { wave }: Pick<Progress, 'wave'>,
  atLeastSeconds: number,
): number => Math.max(atLeastSeconds, waves[wave]?.metrics.periodSeconds ?? 0);
