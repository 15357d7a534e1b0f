import type { OutboundRules } from '#policy/outbound-rules.ts';
import type { ProbeDefinition } from '#policy/probe-definition.ts';
import { type Outcome, outboundRequest, type Resolve } from '#rollout/adapters/outbound-request.ts';
import type { ProbeCounts } from '#rollout/judge/facts.ts';
import type { LookProbes } from '#rollout/stage-probes.ts';

const isExpected = (status: number, expected: number | undefined): boolean =>
  expected === undefined ? status >= 200 && status <= 299 : status === expected;

/** A refused probe was not made: it counts neither way, as what was not measured never does. */
const countsOf = (
  outcomes: readonly Outcome[],
  { expectStatus }: ProbeDefinition,
): ProbeCounts | undefined => {
  const made = outcomes.filter(({ kind }) => kind !== 'refused');
  if (made.length === 0) return undefined;
  const successes = made.filter(
    (outcome) => outcome.kind === 'answered' && isExpected(outcome.status, expectStatus),
  );
  return { attempts: made.length, successes: successes.length };
};

const troubleOf = (outcome: Outcome, { expectStatus }: ProbeDefinition): readonly string[] => {
  if (outcome.kind !== 'answered') return [`${outcome.kind}: ${outcome.text}`];
  return isExpected(outcome.status, expectStatus) ? [] : [`status ${outcome.status}`];
};

/** What one look's probes found, and what was wrong with those that didn't succeed, each trouble once. */
export interface Probed {
  readonly counts: LookProbes;
  readonly troubles: readonly string[];
}

/** All probes of a look at once, so that a look takes no longer than one probe may. Never throws. */
export const httpProbes =
  (rules: OutboundRules, resolve?: Resolve) =>
  async (definition: ProbeDefinition): Promise<Probed> => {
    const timeoutMs = definition.timeoutSeconds * 1_000;
    const attempt = (url: string): Promise<readonly Outcome[]> =>
      Promise.all(
        Array.from({ length: definition.attemptsPerLook }, () =>
          outboundRequest({ url, timeoutMs, body: 'ignored' }, rules, resolve),
        ),
      );
    const [canary, baseline] = await Promise.all([
      attempt(definition.url),
      definition.baselineUrl === undefined ? [] : attempt(definition.baselineUrl),
    ]);
    const probes = countsOf(canary, definition);
    const baselineProbes = countsOf(baseline, definition);
    const troubles = canary.flatMap((outcome) => troubleOf(outcome, definition));
    return {
      counts: { ...(probes && { probes }), ...(baselineProbes && { baselineProbes }) },
      troubles: [...new Set(troubles)],
    };
  };
