import { type Plan, planOf } from '#policy/plan.ts';
import { lowerLimit, upperLimit } from '#rollout/judge/binomial-limit.ts';
import { decisionsPerSecond } from './judge/decisions.ts';
import { PLAIN_RULES, type PlainRule } from './judge/plain-rules.ts';
import { type Random, seededRandom } from './judge/random.ts';
import { DETECTIONS, type Detection, HOUR_AT_10, identical, SILENCES } from './judge/scenarios.ts';
import { type Outcome, pastOf, type Scenario, simulate } from './judge/simulated-rollout.ts';

const RATES = [2, 10, 50, 200];
const ERROR_RATES = [0.0005, 0.005, 0.01, 0.03];
const SEED = 20_260_105;
const RULES: readonly (readonly [name: string, rule: PlainRule])[] = Object.entries(PLAIN_RULES);
const RULE_WIDTH = 15;
const WIDTHS = [6, 8, 20, 8];

/**
 * What a good judge shows, for the whole verdict on simulated releases, beside other judges' rules on the same data. With
 * the default of 100 releases a line it takes some minutes; the number is the first argument.
 */
export async function run([runs = '100']: readonly string[] = []): Promise<void> {
  const random = seededRandom(SEED);
  const n = Number(runs);
  console.log(`seed ${SEED}; intervals are exact, 95 %; looks every 10 s; latency lognormal with σ 1`);
  falseRollbacks(random, 'Identical versions, plan standard', planOf('standard'), 0, n);
  falseRollbacks(random, 'The same in bursts of CV 0.5', planOf('standard'), 0.5, Math.ceil(n / 2));
  falseRollbacks(random, 'The same in bursts of CV 1.0', planOf('standard'), 1, Math.ceil(n / 2));
  falseRollbacks(random, 'Identical versions for 1 h at 10 %', HOUR_AT_10, 0, Math.ceil(n / 8));
  detections(random, n);
  silences(random, Math.ceil(n / 10));
  console.log(`\nDecisions a second on this machine: ${Math.round(decisionsPerSecond(random))}`);
}

/** One line per rate and error rate, ours beside the plain rules on the same data. */
function falseRollbacks(random: Random, title: string, plan: Plan, burstCv: number, n: number): void {
  console.log(`\n${title}: rolled back of ${n}`);
  console.log(row(['req/s', 'errors', 'judge', 'held'], WIDTHS) + ruleNames());
  const pooled: Outcome[] = [];
  for (const requestsPerSecond of RATES) {
    for (const errorRate of ERROR_RATES) {
      const outcomes = repeat(random, n, identical(plan, requestsPerSecond, errorRate, burstCv));
      pooled.push(...outcomes);
      const ours = share(count(outcomes, 'rolled-back'), n);
      const held = percent(count(outcomes, 'held') / n);
      console.log(
        row([String(requestsPerSecond), percent(errorRate), ours, held], WIDTHS) +
          ruleCells((rule) => percent(outcomes.filter((seen) => rule(seen) !== undefined).length / n)),
      );
    }
  }
  const all = pooled.length;
  console.log(
    row(['all', '', share(count(pooled, 'rolled-back'), all), percent(count(pooled, 'held') / all)], WIDTHS) +
      ruleCells((rule) => percent(pooled.filter((seen) => rule(seen) !== undefined).length / all)) +
      causes(pooled),
  );
}

/** How often and how soon a worse canary is found; the plain rules with what they need for that on identical versions above. */
function detections(random: Random, n: number): void {
  const widths = [50, 22, 20, 8, 10];
  console.log(`\nRegressions, ${n} each: found, and the second by which half of all were`);
  console.log(row(['', 'found', 'median', '90 %', 'requests'], widths) + ruleNames());
  for (const detection of DETECTIONS) {
    const of = n * (detection.times ?? 1);
    const outcomes = repeat(random, of, detection.scenario);
    const found = outcomes.filter(({ end }) => end === 'rolled-back');
    const requests = sorted(found.map(({ canaryRequests }) => canaryRequests))[Math.floor(found.length / 2)];
    const times = sorted(outcomes.map(({ end, seconds }) => (end === 'rolled-back' ? seconds : Infinity)));
    console.log(
      row(
        [
          detection.name,
          share(found.length, of),
          `${seconds(quantile(times, 0.5))} (${medianInterval(times)})`,
          seconds(quantile(times, 0.9)),
          String(requests ?? '–'),
        ],
        widths,
      ) +
        ruleCells((rule) => foundBy(rule, outcomes)) +
        causes(outcomes) +
        asked(detection, found.length / of, quantile(times, 0.5)),
    );
  }
}

/** Which of the two bounds that are asked for is missed, if any. */
function asked({ foundMin, medianSecondsMax }: Detection, found: number, median: number): string {
  const missed = [
    ...(foundMin !== undefined && found < foundMin ? [`${percent(foundMin)} asked`] : []),
    ...(medianSecondsMax !== undefined && median > medianSecondsMax ? [`${medianSecondsMax} s asked`] : []),
  ];
  const bounds = [
    ...(foundMin === undefined ? [] : [`≥ ${percent(foundMin)}`]),
    ...(medianSecondsMax === undefined ? [] : [`≤ ${medianSecondsMax} s`]),
  ];
  if (bounds.length === 0) return '';
  return missed.length > 0 ? `  MISSED: ${missed.join(', ')}` : `  (${bounds.join(', ')} asked)`;
}

function foundBy(rule: PlainRule, outcomes: readonly Outcome[]): string {
  const times = sorted(
    outcomes.map((outcome) => {
      const at = rule(outcome);
      return at === undefined || at <= outcome.worseSince ? Infinity : at - outcome.worseSince;
    }),
  );
  const found = times.filter((time) => time < Infinity).length;
  return `${percent(found / times.length)} ${seconds(quantile(times, 0.5))}`;
}

function silences(random: Random, n: number): void {
  console.log(`\nSilence, ${n} each`);
  for (const [name, scenario] of SILENCES) {
    const outcomes = repeat(random, n, scenario);
    const ends = (['promoted', 'rolled-back', 'held'] as const).map(
      (end) => `${end} ${count(outcomes, end)}`,
    );
    console.log(row([name, ends.join(', ')], [50, 36]));
  }
}

/** Each release has a past of its own, as it would have. */
function repeat(random: Random, n: number, scenario: Scenario): Outcome[] {
  return Array.from({ length: n }, () => simulate(random, scenario, pastOf(random, scenario)));
}

function count(outcomes: readonly Outcome[], end: Outcome['end']): number {
  return outcomes.filter((outcome) => outcome.end === end).length;
}

/** Which rule of ours decided, most frequent first. */
function causes(outcomes: readonly Outcome[]): string {
  const codes = outcomes
    .filter(({ end }) => end === 'rolled-back')
    .map(({ last }) => last.reasons[0]?.code ?? '');
  const tally = [...Map.groupBy(codes, (code) => code)].sort(
    ([, one], [, other]) => other.length - one.length,
  );
  return tally.map(([code, all]) => `  ${code} ${all.length}`).join('');
}

function share(events: number, trials: number): string {
  const interval = [lowerLimit(events, trials, 0.025), upperLimit(events, trials, 0.025)].map(percent);
  return `${percent(events / trials)} (${interval.join('–')})`;
}

function percent(fraction: number): string {
  return `${Number((100 * fraction).toPrecision(fraction < 0.1 ? 2 : 3))} %`;
}

function seconds(value: number): string {
  return value === Infinity ? '–' : `${value} s`;
}

function quantile(times: readonly number[], level: number): number {
  return times[Math.max(0, Math.ceil(level * times.length) - 1)] ?? Infinity;
}

/** The median lies between these order statistics with 95 % probability: their ranks are those of a fair coin. */
function medianInterval(times: readonly number[]): string {
  const half = 0.98 * Math.sqrt(times.length);
  const [low, high] = [times.length / 2 - half, times.length / 2 + half];
  return `${seconds(quantile(times, low / times.length))}–${seconds(quantile(times, Math.min(1, (high + 1) / times.length)))}`;
}

function sorted(values: readonly number[]): number[] {
  return values.toSorted((one, other) => one - other);
}

function ruleNames(): string {
  return RULES.map(([name]) => name.padStart(RULE_WIDTH)).join('');
}

function ruleCells(cell: (rule: PlainRule) => string): string {
  return RULES.map(([, rule]) => cell(rule).padStart(RULE_WIDTH)).join('');
}

/** The first cell to the left, the others to the right, each as wide as told. */
function row(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((cell, index) => (index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0)))
    .join('');
}
