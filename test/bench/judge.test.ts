import { describe, expect, it } from 'vitest';
import { planOf } from '#policy/plan.ts';
import { PLAIN_RULES } from '../../bench/judge/plain-rules.ts';
import { seededRandom } from '../../bench/judge/random.ts';
import { DETECTIONS, identical, SILENCES } from '../../bench/judge/scenarios.ts';
import { pastOf, type Scenario, type Seen, simulate } from '../../bench/judge/simulated-rollout.ts';

const repeat = (scenario: Scenario, runs: number, seed = 4) => {
  const random = seededRandom(seed);
  return Array.from({ length: runs }, () => simulate(random, scenario, pastOf(random, scenario)));
};

const detection = (start: string) => {
  const found = DETECTIONS.find(({ name }) => name.startsWith(start));
  if (found === undefined) throw new Error(`no detection ${start}`);
  return found.scenario;
};

describe('a simulated release', () => {
  it('is the same for the same seed, and goes on after its rollback for other rules to judge', () => {
    const [one, other] = [repeat(detection('5× errors of 1 %'), 1), repeat(detection('5× errors of 1 %'), 1)];
    expect(one).toEqual(other);
    expect(one[0]?.end).toBe('rolled-back');
    expect(one[0]?.looks).toHaveLength(360);
    expect(one[0]?.rounds).toHaveLength(60);
  });

  it('of the same version is promoted; of one that fails, rolled back; of one that nobody reaches, held', () => {
    const ends = (scenario: Scenario, runs: number) => new Set(repeat(scenario, runs).map(({ end }) => end));
    expect(ends(identical(planOf('standard'), 10, 0.01, 1), 10)).toEqual(new Set(['promoted']));
    expect(ends(detection('every request fails'), 5)).toEqual(new Set(['rolled-back']));
    for (const [, scenario] of SILENCES) expect(ends(scenario, 1)).toEqual(new Set(['held']));
  });

  it('tells since when it is worse', () => {
    const [late] = repeat(detection('the same, but only from'), 1);
    expect(late?.worseSince).toBeGreaterThanOrEqual(360);
    expect(late?.seconds).toBeLessThan(300);
  });
});

describe('other judges’ rules', () => {
  const minute = (second: number, errors: number, p95 = 100): Seen['looks'][number] => ({
    stage: 0,
    second,
    facts: {
      canary: { requests: 100, errors, latencyMs: { p95 }, slowerThan: { '200': 2, '1000': 0 } },
      baseline: { requests: 900, errors: 9, latencyMs: { p95: 100 }, slowerThan: { '200': 18, '1000': 0 } },
      probes: { attempts: 3, successes: 3 },
    },
  });
  const seen = (...errors: readonly number[]): Seen => {
    const looks = errors.map((count, index) => minute(60 * (index + 1), count));
    return { looks, rounds: looks, worseSince: 0 };
  };

  it.each([
    ['z-test a look', [1, 1, 1], undefined],
    ['z-test a look', [1, 5, 3], 180],
    ['2 rounds over', [2, 1, 2, 1], undefined],
    ['2 rounds over', [1, 2, 2], 180],
    ['score < 85', [1, 1], undefined],
    ['score < 85', [0, 4, 4], 180],
    ['Flagger', [2, 2, 2, 2, 1], undefined],
    ['Flagger', [2, 0, 2, 2, 2, 2], 360],
    ['alarm > 0', [1, 0, 1, 0], undefined],
    ['alarm > 0', [0, 1, 1], 180],
    ['alarm > 5 %', [5, 5, 6], undefined],
    ['alarm > 5 %', [6, 6], 120],
  ] as const)('%s of %j errors in a hundred rolls back at %s s', (name, errors, at) => {
    expect(PLAIN_RULES[name](seen(...errors))).toBe(at);
  });

  it('p95 rolls back at a round that is a fifth slower', () => {
    const rounds = [minute(60, 1, 119), minute(120, 1, 121)];
    expect(PLAIN_RULES['p95 +20 %']({ looks: [], rounds, worseSince: 0 })).toBe(120);
  });
});
