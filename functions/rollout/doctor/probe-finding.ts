import type { ProbeDefinition } from '#policy/probe-definition.ts';
import { type Finding, finding } from '#rollout/doctor/finding.ts';
import type { LookProbes } from '#rollout/stage-probes.ts';

/** What one look's probes found, and what was wrong with those that didn't succeed. */
export interface Probing {
  readonly counts: LookProbes;
  readonly troubles: readonly string[];
}

/** Whether a release's probes would be answered. Where the new version has a host of its own, nobody may be there yet. */
export const probeFinding = (
  { url, baselineUrl }: ProbeDefinition,
  { counts, troubles }: Probing,
): Finding => {
  const { probes, baselineProbes } = counts;
  const facts = { ...counts, troubles };
  if (probes === undefined)
    return finding('probes', 'fail', `no probe of ${url} was made: ${troubles.join('; ')}`, facts);
  if (baselineUrl !== undefined && (baselineProbes?.successes ?? 0) < (baselineProbes?.attempts ?? 1))
    return finding('probes', 'fail', `probes of the stable version fail: ${baselineUrl}`, facts);
  if (probes.successes < probes.attempts)
    return finding(
      'probes',
      'warn',
      `${probes.successes} of ${probes.attempts} probes of ${url} succeed (${troubles.join('; ')}): once a release is at work they have to, or it is rolled back`,
      facts,
    );
  return finding('probes', 'ok', `${probes.attempts} probes of ${url} succeed`, facts);
};
