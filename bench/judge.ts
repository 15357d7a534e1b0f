import { type Plan, planOf } from '#policy/plan.ts';
import { lowerLimit, upperLimit } from '#rollout/judge/binomial-limit.ts';
import { PLAIN_RULES } from './judge/plain-rules.ts';
import { type Random, seededRandom } from './judge/random.ts';
import { type Outcome, pastOf, type Scenario, simulate } from './judge/simulated-rollout.ts';
import type { Behaviour } from './judge/simulated-service.ts';

const RATES = [2, 10, 50, 200];
const ERROR_RATES = [0.0005, 0.005, 0.01, 0.03];
const SEED = 20_260_105;

/** The figures that a good judge shows (docs: canary judge), for the whole verdict on simulated releases. About two minutes. */
export async function run([runs = '100']: readonly string[] = []): Promise<void> {
  const random = seededRandom(SEED);
  const n = Number(runs);
  console.log(`seed ${SEED}; intervals are exact, 95 %; looks every 10 s; latency lognormal with σ 1\n`);
  falseRollbacks(random, 'Identical versions, plan standard', planOf('standard'), 0, n);
  falseRollbacks(random, 'The same in bursts of CV 0.5', planOf('standard'), 0.5, Math.ceil(n / 2));
  falseRollbacks(random, 'The same in bursts of CV 1.0', planOf('standard'), 1, Math.ceil(n / 2));
  falseRollbacks(random, 'Identical versions for 1 h at 10 %', HOUR_AT_10, 0, Math.ceil(n / 8));
  detections(random, n);
}

const HOUR_AT_10 = single(10, 3_600);

/** One stage that lasts until something is found. */
function single(weightPercent: number, seconds: number): Plan {
  const stages = [{ weightPercent, rounds: seconds / 60, roundSeconds: 60 }];
  return { ...planOf('standard'), name: 'single', stages, stageDeadlineSeconds: 2 * seconds };
}

/** One line per rate and error rate, ours beside the plain rules on the same rounds. */
function falseRollbacks(random: Random, title: string, plan: Plan, burstCv: number, n: number): void {
  const rules = Object.entries(PLAIN_RULES);
  console.log(
    `${title}: rolled back\n${row(['req/s', 'errors', 'judge', 'held', ...rules.map(([name]) => name)])}`,
  );
  const pooled: Outcome[] = [];
  for (const requestsPerSecond of RATES) {
    for (const errorRate of ERROR_RATES) {
      const outcomes = repeat(random, n, identical(plan, requestsPerSecond, errorRate, burstCv));
      pooled.push(...outcomes);
      const plain = rules.map(([, isBad]) =>
        percent(outcomes.filter(({ rounds }) => isBad(rounds)).length / n),
      );
      const ours = percent(count(outcomes, 'rolled-back') / n);
      console.log(
        row([requestsPerSecond, percent(errorRate), ours, percent(count(outcomes, 'held') / n), ...plain]),
      );
    }
  }
  console.log(`all: ${share(count(pooled, 'rolled-back'), pooled.length)}${causes(pooled)}\n`);
}

/** How often and how soon a worse canary is found. */
function detections(random: Random, n: number): void {
  console.log(`Regressions\n${row(['', 'found', 'median', '90 %', 'requests'], 48)}`);
  const service: Behaviour = { errorRate: 0.01, medianMs: 60, burstCv: 0 };
  const [hour, standard] = [HOUR_AT_10, planOf('standard')];
  const sparse: Behaviour = { ...service, errorRate: 0.5 / 60 / 10 };
  const cases: readonly (readonly [name: string, scenario: Scenario])[] = [
    ['5× errors of 1 %, 10 % of 200/s', worse(hour, 200, service, { errorRate: 0.05 })],
    ['2× errors of 1 %, 10 % of 200/s', worse(hour, 200, service, { errorRate: 0.02 })],
    ['1.5× errors of 1 %, 10 % of 200/s', worse(hour, 200, service, { errorRate: 0.015 })],
    ['2× errors of 1 %, standard from 5 % of 200/s', worse(standard, 200, service, { errorRate: 0.02 })],
    [
      'the same, but only from the stage at 50 % on',
      { ...worse(standard, 200, service, { errorRate: 0.02 }), worseFromStage: 2 },
    ],
    ['latency 1.5×, 10 % of 50/s', worse(hour, 50, service, { medianMs: 90 })],
    ['every request fails, 10 % of 5/s', worse(hour, 5, service, { errorRate: 1 })],
    [
      '1 % errors, none on the baseline, 10 % of 50/s',
      worse(hour, 50, { ...service, errorRate: 0 }, { errorRate: 0.01 }),
    ],
    [
      '5× of 0.5 errors a minute, half of 20/s, 10 min',
      worse(single(50, 600), 20, sparse, { errorRate: 5 * sparse.errorRate }),
    ],
    [
      'the same of half of 20 a minute (5 % errors)',
      worse(single(50, 600), 1 / 3, { ...service, errorRate: 0.05 }, { errorRate: 0.25 }),
    ],
  ];
  for (const [name, scenario] of cases) {
    const outcomes = repeat(random, n, scenario);
    const found = outcomes.filter(({ end }) => end === 'rolled-back');
    const requests = sorted(found.map(({ canaryRequests }) => canaryRequests))[Math.floor(found.length / 2)];
    const times = sorted(outcomes.map(({ end, seconds }) => (end === 'rolled-back' ? seconds : Infinity)));
    const at = (level: number) =>
      times[Math.ceil(level * n) - 1] === Infinity ? '–' : `${times[Math.ceil(level * n) - 1]} s`;
    console.log(
      `${row([name, percent(found.length / n), at(0.5), at(0.9), requests ?? '–'], 48)}${causes(outcomes)}`,
    );
  }
}

function worse(
  plan: Plan,
  requestsPerSecond: number,
  baseline: Behaviour,
  change: Partial<Behaviour>,
): Scenario {
  return { plan, requestsPerSecond, baseline, canary: { ...baseline, ...change } };
}

function identical(plan: Plan, requestsPerSecond: number, errorRate: number, burstCv: number): Scenario {
  return worse(plan, requestsPerSecond, { errorRate, burstCv, medianMs: 60 }, {});
}

/** Each release has a past of its own, as it would have. */
function repeat(random: Random, n: number, scenario: Scenario): Outcome[] {
  return Array.from({ length: n }, () => simulate(random, scenario, pastOf(random, scenario)));
}

function count(outcomes: readonly Outcome[], end: Outcome['end']): number {
  return outcomes.filter((outcome) => outcome.end === end).length;
}

/** Which rule decided, most frequent first. */
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
  return `${events} of ${trials} (${interval.join('–')})`;
}

function percent(fraction: number): string {
  return `${Number((100 * fraction).toFixed(2))} %`;
}

function sorted(values: readonly number[]): number[] {
  return values.toSorted((one, other) => one - other);
}

function row(cells: readonly (string | number)[], first = 8): string {
  return cells
    .map((cell, index) =>
      index === 0 ? String(cell).padEnd(first) : String(cell).padStart(index > 3 ? 24 : 9),
    )
    .join('');
}
