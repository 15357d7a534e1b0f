import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RecordDraft } from '#ledger/record.ts';
import { type Plan, planSchema } from '#policy/plan.ts';
import { releaseRecord } from '#releases/release-records.ts';
import { stepsOf } from '#releases/step.ts';
import { decide } from '#rollout/decide-look.ts';
import type { ArmCounts } from '#rollout/judge/facts.ts';
import { historyOf } from '#rollout/judge/history.ts';
import { firstLookState, judge, lookInput } from '#rollout/look.ts';
import { lookRecords } from '#rollout/look-records.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { settledWindow } from '#rollout/stage-clock.ts';
import { type Random, seededRandom } from '../../bench/judge/random.ts';
import { asCounts, type Behaviour, serve } from '../../bench/judge/simulated-service.ts';
import { beginReplay, replayLook } from '../../cli/look-replay.ts';
import { recordedLooks } from '../../cli/recorded-looks.ts';
import { experimentPlan } from '../builders/experiment.ts';
import { aLookAt } from '../builders/look.ts';
import { ann, aRelease, aSnapshot, aWave, NOW_MS } from '../builders/release.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '..', '..');
const PERIOD = 10;
const SETTLE = 25;
const plan = planSchema.parse({
  name: 'recorded',
  stages: [
    { weightPercent: 10, rounds: 2, roundSeconds: 30 },
    { weightPercent: 50, rounds: 3, roundSeconds: 20 },
    { weightPercent: 100, rounds: 1, roundSeconds: 60 },
  ],
  stageDeadlineSeconds: 200,
  holdSeconds: 60,
  watchSeconds: 60,
});
const good: Behaviour = { errorRate: 0.005, medianMs: 60, burstCv: 0 };

/** How a canary behaves in a period, or that nothing is known of it. */
type Canary = (second: number) => Behaviour | 'silent';

/** A release as the stack would judge and record it, look by look. */
const release = (random: Random, canary: Canary, asked: Plan = plan) => {
  const history = historyOf(
    Array.from({ length: 60 }, () => asCounts(random, serve(random, good, 50, PERIOD), good.medianMs)),
  );
  const wave = { ...aWave(), snapshot: aSnapshot({ history }) };
  const about = aRelease({ plan: asked, snapshots: [wave.snapshot] });
  const steps = stepsOf(about);
  const periods: PeriodFacts[] = [];
  const records: RecordDraft[] = [];
  let [state, now] = [firstLookState(), NOW_MS];
  const serveUntil = (to: number, weightPercent: number) => {
    for (let start = NOW_MS + periods.length * PERIOD * 1_000; start < to; start += PERIOD * 1_000) {
      const behaviour = canary((start - NOW_MS) / 1_000);
      const counts = (share: number, as: Behaviour): ArmCounts =>
        asCounts(random, serve(random, as, 50 * share, PERIOD), as.medianMs);
      const share = weightPercent / 100;
      const orders = (good: number) => asked.experiment && { goals: { orders: { good, total: 50 } } };
      const facts = {
        ...(behaviour !== 'silent' && { canary: { ...counts(share, behaviour), ...orders(9) } }),
        ...(share < 1 && { baseline: { ...counts(1 - share, good), ...orders(5) } }),
      };
      periods.push({ start, facts });
    }
  };
  for (const step of steps) {
    const shiftedAt = now + 3_000;
    now = shiftedAt;
    records.push(
      releaseRecord('release.shift.done', about, ann, new Date(shiftedAt).toISOString(), {
        stage: step.stage,
        ...(step.kind !== 'stage' && { kind: step.kind }),
        weightPercent: step.weightPercent,
      }),
    );
    for (;;) {
      now += PERIOD * 1_000;
      serveUntil(now, step.weightPercent);
      const settled = periods.filter(({ start }) => start + (PERIOD + SETTLE) * 1_000 <= now);
      const window = settledWindow(shiftedAt, now, PERIOD, SETTLE);
      const clock = { window, shiftedAt, now, settleSeconds: SETTLE };
      const look = aLookAt(step, about, { step, wave, state, periods: settled, ...clock });
      const judged = judge(look);
      const decision = decide(look, judged);
      records.push(...lookRecords(look, judged, decision));
      if (decision.verdict === 'restore') return { records, verdict: 'rollback', last: judged.main, look };
      state = decision.state;
      if (decision.verdict === 'promote') break;
    }
  }
  return { records, verdict: 'promoted' };
};

/** The stack's word for what its judge said; a watch that is over by time was promoted long before. */
const VERDICTS: Record<string, string> = {
  'release.stage.promoted': 'promote',
  'release.stage.held': 'hold',
  'release.look.decided': 'rollback',
};

const cases: readonly (readonly [name: string, canary: Canary, ends: string])[] = [
  ['is as good as the stable version', () => good, 'promoted'],
  ['fails from the start', () => ({ ...good, errorRate: 0.2 }), 'rollback'],
  ['is slow', () => ({ ...good, medianMs: 200 }), 'rollback'],
  [
    'fails from the end of a stage on',
    (second) => ({ ...good, errorRate: second < 80 ? 0.005 : 0.1 }),
    'rollback',
  ],
  ['fails at 100 %', (second) => ({ ...good, errorRate: second < 240 ? 0.005 : 0.1 }), 'rollback'],
];

describe.each(cases)('a release of a version that %s', (_, canary, ends) => {
  const { records, verdict, last, look } = release(seededRandom(12), canary);
  const replayed = () => {
    let replay = beginReplay(aRelease().judge, plan);
    return recordedLooks(JSON.parse(JSON.stringify(records))).map(({ line, decided }) => {
      const { result, after } = replayLook(replay, line);
      replay = after;
      return { result, decided };
    });
  };

  it('has the same verdicts when its records are judged again', () => {
    expect(verdict).toBe(ends);
    const decisions = replayed().filter(({ decided }) => decided !== undefined);
    expect(decisions.length).toBeGreaterThan(0);
    for (const { result, decided } of decisions) {
      expect(result.verdict).toBe(VERDICTS[decided?.event.type ?? ''] ?? result.verdict);
      expect(decided?.data).toMatchObject({
        evidence: { lnE: result.evidence.lnE, tests: result.evidence.tests },
        ...(result.score !== undefined && { score: result.score, scoreUpper: result.scoreUpper }),
      });
    }
  });

  it('has the same rounds', () => {
    const told = records.flatMap(({ data }) => ('round' in data ? [data.round] : []));
    const rounds = replayed().flatMap(({ result }) => result.rounds);
    expect(rounds).toEqual(told);
  });

  it('ends for the same reasons', () => {
    if (last === undefined || look === undefined) return;
    expect(lookInput(look).state).toBe(look.state.judge);
    expect(replayed().at(-1)?.result.reasons[0]).toEqual(last.reasons[0]);
  });
});

describe('a release by experiment', () => {
  const asked = experimentPlan(
    { horizon: { seconds: 600 }, minimumSample: 100, onSuccess: 'promote' },
    PERIOD,
  );
  const { records, verdict } = release(seededRandom(12), () => good, asked);
  const looks = recordedLooks(JSON.parse(JSON.stringify(records)));

  it('has the same answer when its record is judged again, and the same rounds', () => {
    expect(verdict).toBe('promoted');
    const told = records.find(({ event }) => event.type === 'release.experiment.concluded');
    const [answer] = looks.flatMap(({ experiment }) => experiment ?? []);
    expect(answer).toMatchObject({ decision: 'canary', winner: 'canary', enough: true });
    const { reasons, ...result } = answer ?? { reasons: [] };
    expect(told?.data).toMatchObject({ reasons, experiment: { result } });
    let replay = beginReplay(aRelease().judge, asked);
    const rounds = looks.flatMap(({ line }) => {
      const { result: again, after } = replayLook(replay, line);
      replay = after;
      return again.rounds;
    });
    expect(rounds).toEqual(records.flatMap(({ data }) => ('round' in data ? [data.round] : [])));
    expect(rounds.length).toBeGreaterThan(60);
  });
});

describe('sluice judge --records', () => {
  const { records } = release(seededRandom(12), () => ({ ...good, errorRate: 0.2 }));
  const judgeRecords = (given: readonly object[], ...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [path.join(REPOSITORY, 'cli', 'sluice.ts'), 'judge', '--records', ...args],
      { input: given.map((record) => JSON.stringify(record)).join('\n'), encoding: 'utf8' },
    );
    const answers = stdout.split('\n').filter((line) => line.startsWith('{'));
    return { status, stderr, answers: answers.map((line) => JSON.parse(line)) };
  };

  it('answers with the decision of the stack', () => {
    const { status, answers } = judgeRecords(records);
    const decided = records.at(-1);
    expect([status, answers.at(-1).verdict, answers.at(-1).at]).toEqual([
      0,
      'rollback',
      decided?.event.timestamp,
    ]);
    expect(decided?.data.evidence).toMatchObject({ lnE: answers.at(-1).evidence.lnE });
  });

  it('picks one release out of an export, among records of every kind', () => {
    const id = String(records[0]?.data.releaseId);
    const others = records.map((record) => ({ ...record, data: { ...record.data, releaseId: 'another' } }));
    const odd = {
      event: { type: 'policy.changed', timestamp: records[0]?.event.timestamp },
      data: { stage: 'team' },
    };
    const picked = judgeRecords([odd, ...others, ...records], '--release', id);
    expect(picked.answers).toHaveLength(records.length);
    expect(picked.answers.at(-1)).toMatchObject({ at: records.at(-1)?.event.timestamp, verdict: 'rollback' });
    expect(picked.status).toBe(0);
  });

  it.each([
    [
      'are of several releases',
      ({ data }: RecordDraft) => ({ ...data, releaseId: 'another' }),
      'the records are of more than one release',
    ],
    [
      'tell no facts',
      ({ data: { facts: _, ...data } }: RecordDraft) => data,
      'a record does not tell the facts that were judged',
    ],
  ])('refuses records that %s', (_, change, message) => {
    const changed = records.map((record, index) =>
      index === 0 ? record : { ...record, data: change(record) },
    );
    const { status, stderr } = judgeRecords(changed);
    expect([status, stderr.trim()]).toEqual([2, `sluice: the records: ${message}`]);
  });
});
