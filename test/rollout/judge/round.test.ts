import { describe, expect, test } from 'vitest';
import { judgeRound } from '#rollout/judge/round.ts';
import { arm, defaultPolicy, probesUp } from './builders.ts';

const round = (facts: Parameters<typeof judgeRound>[0], history?: Parameters<typeof judgeRound>[1]) =>
  judgeRound(facts, history, defaultPolicy);

describe('a round', () => {
  test.each([
    [
      'complete and within limits passes',
      { canary: arm(200, 0), baseline: arm(1800, 1), probes: probesUp },
      'passed',
    ],
    [
      'past a limit by chance passes',
      { canary: arm(20, 2), baseline: arm(180, 0), probes: probesUp },
      'passed',
    ],
    [
      'past a limit beyond chance fails',
      { canary: arm(200, 8), baseline: arm(1800, 1), probes: probesUp },
      'failed',
    ],
    ['without probes is partial', { canary: arm(200, 0), baseline: arm(1800, 1) }, 'partial'],
    [
      'that fails on what it has has failed',
      { canary: { requests: 200, errors: 8 }, baseline: arm(1800, 1) },
      'failed',
    ],
    ['of an empty canary is inconclusive', { canary: arm(0, 0), baseline: arm(1800, 1) }, 'inconclusive'],
    ['without facts is inconclusive', {}, 'inconclusive'],
    [
      'of an empty canary with probes is partial',
      { canary: arm(0, 0), baseline: arm(1800, 1), probes: probesUp },
      'partial',
    ],
    ['with most probes failing fails', { probes: { attempts: 20, successes: 10 } }, 'failed'],
    ['with one probe failing does not', { probes: { attempts: 3, successes: 2 } }, 'partial'],
  ] as const)('%s', (_, facts, status) => {
    expect(round({ number: 1, ...facts }).status).toBe(status);
  });

  test('that is slower than the baseline beyond chance fails, and says by how much', () => {
    const slow = {
      latencyMs: { p95: 260 },
      slowerThan: { '50': 120, '100': 60, '200': 40, '500': 0, '2000': 0 },
    };
    const judged = round({ number: 2, canary: arm(200, 0, slow), baseline: arm(1800, 1), probes: probesUp });
    expect(judged.status).toBe('failed');
    expect(judged.missed).toEqual(['latency-p95']);
    expect(judged.reasons[0]?.text).toBe(
      'round 2: p95 +136 % on the baseline (260 ms against 110 ms), limit +20 %, missed beyond chance',
    );
  });

  test('that has more slow requests than the baseline, but no worse a p95, passes', () => {
    const tail = { slowerThan: { '50': 800, '100': 120, '200': 80, '500': 60, '2000': 0 } };
    const baseline = arm(18_000, 1, {
      slowerThan: { '50': 7200, '100': 1080, '200': 90, '500': 9, '2000': 0 },
    });
    expect(round({ number: 1, canary: arm(2000, 0, tail), baseline, probes: probesUp }).status).toBe(
      'passed',
    );
  });

  test('is not failed by the p95 of a baseline with a handful of requests', () => {
    const slow = {
      latencyMs: { p95: 260 },
      slowerThan: { '50': 20, '100': 10, '200': 6, '500': 0, '2000': 0 },
    };
    const baseline = arm(6, 0, {
      latencyMs: { p95: 60 },
      slowerThan: { '50': 2, '100': 0, '200': 0, '500': 0, '2000': 0 },
    });
    expect(round({ number: 1, canary: arm(30, 0, slow), baseline, probes: probesUp }).status).toBe('passed');
  });

  test('in a service known for bursts needs more to fail', () => {
    const facts = { number: 1, canary: arm(200, 8), baseline: arm(1800, 1), probes: probesUp };
    expect(round(facts, { dispersion: { errors: 4 } }).status).toBe('passed');
  });

  test('compares with the history where the stable version served nothing', () => {
    const unhealthy = { counts: arm(36_000, 1440) };
    const judged = round({ number: 1, canary: arm(500, 20), probes: probesUp }, unhealthy);
    expect(judged.status).toBe('passed');
    expect(judged.reasons.map(({ code }) => code)).toContain('baseline-unhealthy');
  });
});
