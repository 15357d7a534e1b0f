import type { MetricDefinition } from '#policy/metric-definition.ts';
import type { Progress, Release } from '#releases/release.ts';

/** As much of a release as says how often it is looked at. */
interface LookedAt {
  readonly waves: readonly { readonly metrics: Pick<MetricDefinition, 'periodSeconds'> }[];
  readonly plan: Release['plan'];
}

/** An experiment is looked at as any release at first: what breaks does so soon. */
const EXPERIMENT_BEGINNING_SECONDS = 3_600;

/**
 * Between two looks at a step that began `sinceSeconds` ago, in seconds. Counts of the wave's source come no finer than by the
 * period, so that a look sooner would see nothing new; an experiment of weeks is looked at as rarely as it says.
 */
export const lookIntervalSeconds = (
  { waves, plan }: LookedAt,
  { wave, kind }: Pick<Progress, 'wave' | 'kind'>,
  atLeastSeconds: number,
  sinceSeconds: number,
): number => {
  const isLong = kind === 'experiment' && sinceSeconds >= EXPERIMENT_BEGINNING_SECONDS;
  const rarely = isLong ? (plan.experiment?.settings.lookSeconds ?? 0) : 0;
  return Math.max(atLeastSeconds, rarely, waves[wave]?.metrics.periodSeconds ?? 0);
};

/** The longest that it ever is. */
export const slowestIntervalSeconds = (
  release: LookedAt,
  step: Pick<Progress, 'wave' | 'kind'>,
  atLeastSeconds: number,
): number => lookIntervalSeconds(release, step, atLeastSeconds, Number.POSITIVE_INFINITY);
