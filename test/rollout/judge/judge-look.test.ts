import { describe, expect, test } from 'vitest';
import type { ArmFacts } from '#rollout/judge/facts.ts';
import { judgeLook } from '#rollout/judge/judge-look.ts';
import { judgePolicySchema } from '#rollout/judge/judge-policy.ts';
import { lookResultSchema } from '#rollout/judge/look.ts';
import { initialStageState, nextStageState } from '#rollout/judge/stage-state.ts';
import { arm, codes, defaultPolicy, look, lookAfterRounds, probesUp } from './builders.ts';

const healthyRound: ArmFacts = { canary: arm(200, 0), baseline: arm(1800, 1), probes: probesUp };
const healthyStage: ArmFacts = {
  canary: arm(600, 0),
  baseline: arm(5400, 3),
  probes: { attempts: 18, successes: 18 },
};
/** 4 % errors where 1 % is allowed: beyond chance, yet not enough alone for the 5 % test. */
const failingRound: ArmFacts = { canary: arm(200, 8), baseline: arm(1800, 1), probes: probesUp };

describe('promotion', () => {
  test('a stage whose rounds all passed is promoted, and says on what', () => {
    const result = judgeLook(lookAfterRounds([healthyRound, healthyRound, healthyRound], healthyStage));
    expect(result.verdict).toBe('promote');
    expect(result.reasons[0]).toMatchObject({
      code: 'stage-passed',
      text: 'promoted: 3 rounds of 60 s at 10 % judged, 600 canary requests and 18 probes',
    });
    expect(result.rounds.map(({ status }) => status)).toEqual(['passed', 'passed', 'passed']);
  });

  test('a stage goes on while a round is open', () => {
    const result = judgeLook(lookAfterRounds([healthyRound, healthyRound], healthyStage));
    expect(result.verdict).toBe('continue');
    expect(codes(result)[0]).toBe('rounds-open');
  });

  test('rounds that are over by number but not by settled data do not promote', () => {
    const input = lookAfterRounds([healthyRound, healthyRound, healthyRound], healthyStage);
    const result = judgeLook({ ...input, facts: { ...input.facts, judgedSeconds: 179 } });
    expect(result.verdict).toBe('continue');
  });

  test('seconds alone do not promote: every round must have been judged', () => {
    const input = lookAfterRounds([healthyRound, healthyRound], healthyStage);
    const result = judgeLook({ ...input, facts: { ...input.facts, judgedSeconds: 600 } });
    expect(result.verdict).toBe('continue');
  });

  test('a last round that failed extends the stage, and a later one that passes promotes it', () => {
    const stage = { ...healthyStage, canary: arm(600, 8), baseline: arm(5400, 40) };
    const extended = judgeLook(lookAfterRounds([healthyRound, healthyRound, failingRound], stage));
    expect(extended.verdict).toBe('extend');
    expect(codes(extended)).toContain('round-failed');
    const later = judgeLook(
      look({
        state: extended.state,
        facts: {
          judgedSeconds: 240,
          cumulative: { ...stage, canary: arm(800, 8) },
          rounds: [{ ...healthyRound, number: 4 }],
        },
      }),
    );
    expect(later.verdict).toBe('promote');
  });
});

describe('never on silence (INV-8)', () => {
  const silent: ArmFacts = {};
  const empty: ArmFacts = { canary: arm(0, 0, { slowerThan: {}, latencyMs: {} }), baseline: arm(5400, 3) };
  const cases: [string, ArmFacts, ArmFacts][] = [
    ['no facts at all', silent, silent],
    ['an empty canary arm', empty, empty],
    ['a canary below the minimum of requests', healthyRound, { ...healthyStage, canary: arm(99, 0) }],
    ['a missing count of requests', healthyRound, { ...healthyStage, canary: { errors: 0 } }],
    ['a silent stable version', healthyRound, { ...healthyStage, baseline: arm(0, 0) }],
    ['a missing stable version', healthyRound, { canary: arm(600, 0), probes: probesUp }],
    ['a last round without data', silent, healthyStage],
  ];

  test.each(cases)('%s extends the stage', (_, round, stage) => {
    const result = judgeLook(lookAfterRounds([round, round, round], stage));
    expect(result.verdict).toBe('extend');
    expect(result.evidence.lnE).toBeLessThan(1);
  });

  test.each(cases)('%s holds at the deadline, or restores where policy says so', (_, round, stage) => {
    const input = lookAfterRounds([round, round, round], stage, { deadline: 'passed' });
    const held = judgeLook(input);
    expect([held.verdict, codes(held)[0]]).toEqual(['hold', 'insufficient-data']);
    const policy = judgePolicySchema.parse({ onInsufficientData: 'restore' });
    const restored = judgeLook({ ...input, policy });
    expect([restored.verdict, codes(restored)[0]]).toEqual(['rollback', 'insufficient-data']);
  });

  test('a deadline that passes while rounds are still open does not wait for them', () => {
    const result = judgeLook(lookAfterRounds([healthyRound], healthyStage, { deadline: 'passed' }));
    expect(result.verdict).toBe('hold');
  });

  test('no data has no score, not a score of 0 or 100', () => {
    const result = judgeLook(lookAfterRounds([silent, silent, silent], silent));
    expect(result).not.toHaveProperty('score');
    expect(result).not.toHaveProperty('scoreUpper');
    expect(result.rounds[0]).toMatchObject({ status: 'inconclusive', missing: { length: 3 } });
  });
});

describe('rollback', () => {
  test('two failed rounds running', () => {
    const first = judgeLook(lookAfterRounds([failingRound], healthyStage));
    expect(first.verdict).toBe('continue');
    expect(first.state.failedRoundsRunning).toBe(1);
    const second = judgeLook(
      look({
        state: first.state,
        facts: { judgedSeconds: 120, cumulative: {}, rounds: [{ ...failingRound, number: 2 }] },
      }),
    );
    expect(second.verdict).toBe('rollback');
    expect(second.reasons.find(({ code }) => code === 'failed-rounds')?.text).toBe(
      'rolled back: 2 failed rounds running; round 2: error rate 4 % (8 of 200), limit 1 %, missed beyond chance',
    );
  });

  test('a passed round between two failed ones clears the first', () => {
    const result = judgeLook(lookAfterRounds([failingRound, healthyRound, failingRound], healthyStage));
    expect(result.verdict).toBe('extend');
    expect(result.state.failedRoundsRunning).toBe(1);
  });

  test('a round that lost the failing metric does not clear it', () => {
    const blind: ArmFacts = { canary: { requests: 200 }, baseline: arm(1800, 1), probes: probesUp };
    const result = judgeLook(lookAfterRounds([failingRound, blind, failingRound], healthyStage));
    expect(result.verdict).toBe('rollback');
    expect(codes(result)).toContain('failed-rounds');
  });

  test('repeating a look counts its rounds and probes once', () => {
    const input = lookAfterRounds([failingRound], healthyStage);
    const once = judgeLook(input);
    const twice = judgeLook({ ...input, state: once.state });
    expect(twice.verdict).toBe('continue');
    expect(twice.state).toEqual(once.state);
    expect(twice.rounds).toEqual([]);
  });

  test('an average score below 85 even at its most favourable, and below the baseline', () => {
    const bad: ArmFacts = {
      canary: arm(1000, 45),
      baseline: arm(9000, 9),
      probes: { attempts: 60, successes: 50 },
    };
    const result = judgeLook(lookAfterRounds([bad], {}));
    expect(result.verdict).toBe('rollback');
    expect(codes(result)).toEqual(expect.arrayContaining(['score-low']));
  });

  test('a low score is no reason where the baseline scores no better', () => {
    const slow = { slowerThan: { '100': 500, '200': 500, '500': 0 }, latencyMs: { p95: 190 } };
    const policy = judgePolicySchema.parse({ score: { averageMin: 100 } });
    const same: ArmFacts = { canary: arm(1000, 5, slow), baseline: arm(1000, 5, slow) };
    expect(judgeLook(lookAfterRounds([same], {}, { policy })).verdict).toBe('continue');
  });

  test('every probe of three looks running failing', () => {
    const probes = (attempts: number, successes: number) => ({
      cumulative: { probes: { attempts, successes } },
    });
    let state = initialStageState();
    const verdicts = [
      probes(1, 0),
      probes(2, 0),
      probes(2, 0),
      probes(3, 1),
      probes(4, 1),
      probes(5, 1),
      probes(6, 1),
    ].map((facts) => {
      const result = judgeLook(look({ state, facts: { judgedSeconds: 10, rounds: [], ...facts } }));
      state = result.state;
      return codes(result).includes('probes-down');
    });
    expect(verdicts).toEqual([false, false, false, false, false, false, true]);
  });

  test('a guard alarm in ALARM, whatever the counts say', () => {
    const alarms = [
      { name: 'orders-5xx', state: 'ALARM' as const },
      { name: 'orders-latency', state: 'INSUFFICIENT_DATA' as const },
    ];
    const input = lookAfterRounds([healthyRound, healthyRound, healthyRound], healthyStage, { alarms });
    const result = judgeLook(input);
    expect(result.verdict).toBe('rollback');
    expect(codes(result).filter((code) => code === 'guard-alarm')).toHaveLength(1);
  });

  test('strong evidence, with the numbers it rests on', () => {
    const cumulative: ArmFacts = {
      canary: { requests: 1000, errors: 20 },
      baseline: { requests: 9000, errors: 40 },
    };
    const result = judgeLook(look({ facts: { judgedSeconds: 60, cumulative, rounds: [] } }));
    expect(result.verdict).toBe('rollback');
    expect(result.reasons[0]?.text).toBe(
      "rolled back: 20 of 60 errors on 10 % of traffic, 4.5× the baseline's rate (1.5–12), E = 4 300 ≥ 100",
    );
  });

  test('evidence found in an earlier stage still counts in the next', () => {
    const cumulative: ArmFacts = {
      canary: { requests: 1000, errors: 15 },
      baseline: { requests: 9000, errors: 40 },
    };
    const facts = { judgedSeconds: 60, cumulative, rounds: [] };
    const first = judgeLook(look({ facts }));
    expect(first.verdict).toBe('continue');
    expect(first.evidence.lnE).toBeGreaterThan(2);
    const second = judgeLook(look({ facts, state: nextStageState(first.state) }));
    expect(second.verdict).toBe('rollback');
    expect(judgeLook(look({ facts, state: initialStageState() })).verdict).toBe('continue');
  });
});

test('evidence stays when the metrics go away', () => {
  const cumulative: ArmFacts = {
    canary: { requests: 1000, errors: 15 },
    baseline: { requests: 9000, errors: 40 },
  };
  const seen = judgeLook(look({ facts: { judgedSeconds: 60, cumulative, rounds: [] } }));
  const blind = judgeLook(
    look({ facts: { judgedSeconds: 70, cumulative: {}, rounds: [] }, state: seen.state }),
  );
  expect(blind.evidence.lnE).toBe(seen.evidence.lnE);
  expect(blind.evidence.tests).toEqual([]);
});

test('the reason names the test that weighs most over all stages', () => {
  const cumulative: ArmFacts = {
    canary: { requests: 1000, errors: 15 },
    baseline: { requests: 9000, errors: 40 },
  };
  const state = initialStageState({ 'errors-absolute': 30 });
  const result = judgeLook(look({ facts: { judgedSeconds: 10, cumulative, rounds: [] }, state }));
  expect(result.reasons[0]?.text).toMatch(
    /^rolled back: 15 errors in 1 000 requests \(1.5 %\), limit 5 %, E = /,
  );
});

test('a stable version that moved from its history is named beside the verdict, and decides nothing', () => {
  const input = lookAfterRounds([healthyRound, healthyRound, healthyRound], healthyStage);
  const history = { counts: arm(36_000, 1440) };
  const result = judgeLook({ ...input, facts: { ...input.facts, history } });
  expect(result.verdict).toBe('promote');
  expect(result.reasons.find(({ code }) => code === 'baseline-drift')?.text).toBe(
    'the stable version itself moved: error rate 0.0556 %, 4 % before the rollout',
  );
});

test('a perfect canary with a billion requests is promoted: its evidence against itself does not underflow', () => {
  const stage: ArmFacts = { canary: arm(1e9, 0), baseline: arm(9e9, 0), probes: probesUp };
  const result = judgeLook(lookAfterRounds([stage, stage, stage], stage));
  expect(result.verdict).toBe('promote');
  expect(result.evidence.lnE).toBeLessThan(0);
});

test('a canary on which every request fails is rolled back at the look with its first five requests', () => {
  const cumulative: ArmFacts = { canary: { requests: 5, errors: 5 }, baseline: { requests: 45, errors: 0 } };
  const result = judgeLook(look({ facts: { judgedSeconds: 10, cumulative, rounds: [] } }));
  expect(result.verdict).toBe('rollback');
  expect(codes(result)[0]).toBe('evidence');
});

describe('the last stage, at 100 %', () => {
  const final = { index: 3, weightPercent: 100, rounds: 1, roundSeconds: 60, final: true };
  const history = { counts: arm(36_000, 36) };
  const verify = (round: ArmFacts, known?: typeof history) => {
    const input = lookAfterRounds([round], round, { stage: final });
    return judgeLook({ ...input, facts: { ...input.facts, ...(known && { history: known }) } });
  };

  test('a verification round of probes is enough, even without a request', () => {
    expect(verify({ probes: probesUp }, history).verdict).toBe('promote');
  });

  test('requests are enough without probes, few of either are not', () => {
    expect(verify({ canary: arm(200, 0) }, history).verdict).toBe('promote');
    const few = verify({ canary: arm(50, 0), probes: { attempts: 2, successes: 2 } }, history);
    expect(few.verdict).toBe('extend');
    expect(codes(few)).toEqual(expect.arrayContaining(['probes-few', 'canary-requests-few']));
    expect(verify({}, history).verdict).toBe('extend');
  });

  test('the canary is judged against the history: errors and p95', () => {
    const failing = verify({ canary: arm(2000, 200), probes: probesUp }, history);
    expect(failing.verdict).toBe('rollback');
    expect(failing.baselineScore).toBeGreaterThan(95);
    const slow = {
      slowerThan: { '50': 1900, '100': 1500, '200': 700, '500': 10, '2000': 0 },
      latencyMs: { p95: 290 },
    };
    const slowed = verify({ canary: arm(2000, 2, slow), probes: probesUp }, history);
    expect(slowed.verdict).toBe('rollback');
    expect(slowed.evidence.tests.find(({ test }) => test === 'p95-absolute')).toMatchObject({ boundMs: 200 });
    const unknown = verify({ canary: arm(2000, 2, slow), probes: probesUp });
    expect(codes(unknown)).toContain('data-missing');
  });
});

test('at 100 % a few stragglers on the stable version are no arm to compare with', () => {
  const final = { index: 3, weightPercent: 100, rounds: 1, roundSeconds: 60, final: true };
  const slow = {
    slowerThan: { '50': 1900, '100': 1500, '200': 700, '500': 10, '2000': 0 },
    latencyMs: { p95: 290 },
  };
  const straggling = {
    requests: 3,
    errors: 1,
    slowerThan: { '50': 3, '100': 2, '200': 1 },
    latencyMs: { p95: 900 },
  };
  const round: ArmFacts = { canary: arm(2000, 2, slow), baseline: straggling, probes: probesUp };
  const judgeAt = (given: ArmFacts) => {
    const input = lookAfterRounds([given], given, { stage: final });
    return judgeLook({ ...input, facts: { ...input.facts, history: { counts: arm(36_000, 36) } } });
  };
  const { baseline: _, ...alone } = round;
  expect(judgeAt(round)).toEqual(judgeAt(alone));
  expect(judgeAt(round).verdict).toBe('rollback');
});

describe('the last stage of a release without a history', () => {
  const final = { index: 3, weightPercent: 100, rounds: 1, roundSeconds: 60, final: true };
  const usual: ArmFacts = { canary: arm(600, 18), baseline: arm(5400, 162), probes: probesUp };
  const last: ArmFacts = { canary: arm(2000, 60), probes: probesUp };

  test('compares with what the stable version did in the stages before', () => {
    const before = judgeLook(lookAfterRounds([usual], usual));
    const blind = judgeLook(
      look({ facts: { judgedSeconds: 70, cumulative: {}, rounds: [] }, state: before.state }),
    );
    const result = judgeLook(
      lookAfterRounds([last], last, { stage: final, state: nextStageState(blind.state) }),
    );
    expect(result.verdict).toBe('promote');
    expect(codes(result)).toContain('baseline-unhealthy');
    const worse: ArmFacts = { canary: arm(2000, 200), probes: probesUp };
    const breach = lookAfterRounds([worse], worse, { stage: final, state: nextStageState(blind.state) });
    expect(judgeLook(breach).verdict).toBe('rollback');
  });

  test('with no stage before has only the limits themselves', () => {
    expect(judgeLook(lookAfterRounds([last], last, { stage: final })).verdict).not.toBe('promote');
  });
});

describe('promotion on evidence', () => {
  const policy = judgePolicySchema.parse({ promoteOn: 'evidence' });
  const round: ArmFacts = { canary: arm(200, 2), baseline: arm(1800, 9), probes: probesUp };
  const judge = (canaryErrors: number, requests: number, baselineErrors: number) =>
    judgeLook(
      lookAfterRounds(
        [round, round, round],
        {
          canary: arm(requests, canaryErrors),
          baseline: arm(9 * requests, baselineErrors),
          probes: probesUp,
        },
        { policy },
      ),
    );

  test('waits while both the ratio and the error rate may still be bad', () => {
    const result = judge(2, 300, 20);
    expect(result.verdict).toBe('extend');
    expect(result.reasons[0]).toMatchObject({ code: 'interval-wide' });
  });

  test('goes on when the ratio is surely below 1.5', () => {
    expect(judge(3000, 200_000, 27_000).verdict).toBe('promote');
  });

  test('goes on when there are too few errors for a ratio but the rate is surely below the limit', () => {
    const result = judge(0, 1000, 0);
    expect(result.verdict).toBe('promote');
    expect(result.evidence.tests[0]).toMatchObject({ test: 'errors-relative', rateRatio: [0, null] });
  });

  test('asks for no ratio at 100 %, where there is no second arm', () => {
    const stage = { index: 3, weightPercent: 100, rounds: 1, roundSeconds: 60, final: true };
    const last: ArmFacts = { probes: probesUp };
    expect(judgeLook(lookAfterRounds([last], last, { policy, stage })).verdict).toBe('promote');
  });

  test('is not content without a count of errors', () => {
    const silent: ArmFacts = { canary: { requests: 1000 }, baseline: { requests: 9000 }, probes: probesUp };
    expect(judgeLook(lookAfterRounds([silent, silent, silent], silent, { policy })).verdict).toBe('extend');
  });
});

test('more probes of a stage failing than policy allows roll back, a few do not', () => {
  const probed = (attempts: number, successes: number) =>
    judgeLook(
      look({ facts: { judgedSeconds: 60, cumulative: { probes: { attempts, successes } }, rounds: [] } }),
    );
  for (const successes of [27, 24]) expect(codes(probed(30, successes))).not.toContain('probes-failing');
  expect(probed(30, 18)).toMatchObject({
    verdict: 'rollback',
    reasons: [{ code: 'probes-failing', facts: { failed: 12 } }, {}, {}],
  });
});

test('input and result survive JSON, and the result fits its schema', () => {
  const input = lookAfterRounds([failingRound, failingRound, healthyRound], healthyStage);
  const result = judgeLook(JSON.parse(JSON.stringify(input)));
  expect(lookResultSchema.parse(JSON.parse(JSON.stringify(result)))).toEqual(judgeLook(input));
});

test('probes alone can judge where the counts are switched off, and never without probes', () => {
  const policy = { ...defaultPolicy, measures: 'probes-only' as const };
  const bad: ArmFacts = { canary: arm(600, 300), baseline: arm(5400, 3), probes: probesUp };
  expect(judgeLook(lookAfterRounds([bad, bad, bad], bad, { policy })).verdict).toBe('promote');
  const unprobed: ArmFacts = { canary: arm(600, 0), baseline: arm(5400, 3) };
  expect(judgeLook(lookAfterRounds([unprobed, unprobed, unprobed], unprobed, { policy })).verdict).toBe(
    'extend',
  );
});
