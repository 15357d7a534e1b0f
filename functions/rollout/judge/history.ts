import { dispersionOf } from '#rollout/judge/dispersion.ts';
import {
  type ArmCounts,
  addArms,
  type BaselineHistory,
  boundsOf,
  errorsOf,
  slowOf,
} from '#rollout/judge/facts.ts';

/** What the judge needs of the baseline's recent past, from its looks: their sum, and the dispersion of each count. */
export function historyOf(looks: readonly ArmCounts[]): BaselineHistory {
  const counts = looks.reduce<ArmCounts | undefined>(addArms, undefined);
  if (counts === undefined) return {};
  const errors = dispersionOf(looks.flatMap((look) => errorsOf(look) ?? []));
  const slowerThan = boundsOf(counts).map(
    (boundMs) =>
      [String(boundMs), dispersionOf(looks.flatMap((look) => slowOf(look, boundMs) ?? []))] as const,
  );
  return { counts, dispersion: { errors, slowerThan: Object.fromEntries(slowerThan) } };
}
