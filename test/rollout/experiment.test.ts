import { describe, expect, it } from 'vitest';
import type { Freeze } from '#releases/freeze.ts';
import type { Release } from '#releases/release.ts';
import { stepsOf } from '#releases/step.ts';
import { knownWindow, uncounted, windowOfLook } from '#rollout/counted-facts.ts';
import { decide } from '#rollout/decide-look.ts';
import type { Decision } from '#rollout/decision.ts';
import { firstLookState, type Judged, judge, type Look, lookInput } from '#rollout/look.ts';
import { lookProgress, lookRecords } from '#rollout/look-records.ts';
import type { PeriodFacts } from '#rollout/metric-source.ts';
import { settledWindow } from '#rollout/stage-clock.ts';
import { underSwitches } from '#rollout/switched-look.ts';
import { lookStateSchema } from '#rollout/tasks.ts';
import { experimentPlan } from '../builders/experiment.ts';
import { aLookAt } from '../builders/look.ts';
import { ann, aRelease, aSnapshot, aWave, NOW, NOW_MS, STABLE } from '../builders/release.ts';

const PERIOD = 60;
const HOUR = 3_600;
const DAY = 86_400;
const wave = { ...aWave({ metrics: { ...aWave().metrics, periodSeconds: PERIOD } }), snapshot: aSnapshot() };

/** What both arms serve in a minute; `undefined` for a minute of which nothing is known. */
type Minute = (minute: number) => { readonly canary: Arm; readonly stable: Arm } | undefined;
interface Arm {
  readonly good: number;
  readonly errors?: number;
}

const SESSIONS = 20;
const arm = ({ good, errors = 0 }: Arm) => ({
  requests: 100,
  errors,
  latencyMs: { p95: 100 },
  goals: { orders: { good, total: SESSIONS } },
});
const even: Minute = () => ({ canary: { good: 1 }, stable: { good: 1 } });
const better: Minute = () => ({ canary: { good: 1.5 }, stable: { good: 1 } });

interface Told {
  readonly look: Look;
  readonly judged: Judged;
  readonly decision: Decision;
}

interface World {
  readonly settings?: Parameters<typeof experimentPlan>[0];
  readonly serves?: Minute;
  /** Whether the source answers at this second. */
  readonly answers?: (second: number) => boolean;
  readonly release?: Partial<Release>;
  readonly freeze?: (second: number) => Freeze | undefined;
  readonly look?: Partial<Look>;
  /** Between two looks. */
  readonly every?: number;
}

/** An experiment as the stack runs it, look by look, until it is decided or `until` seconds are over. */
const run = (until: number, world: World = {}) => {
  const { serves = even, answers = () => true, every = HOUR } = world;
  const release = aRelease({
    strategy: 'experiment',
    plan: { ...experimentPlan(world.settings, PERIOD), holdSeconds: 2 * HOUR },
    waves: [wave],
    snapshots: [wave.snapshot],
    ...world.release,
  });
  const [step] = stepsOf(release);
  if (step === undefined) throw new Error('an experiment is the first step of its release');
  let state = firstLookState();
  const told: Told[] = [];
  let widestRead = 0;
  for (let second = every; second <= until; second += every) {
    const now = NOW_MS + 1_000 * second;
    const settled = windowOfLook(step, settledWindow(NOW_MS, now, PERIOD, 0), state.counted);
    const unread = uncounted(settled, state.counted);
    const isRead = answers(second);
    const periods: PeriodFacts[] = [];
    for (let start = unread.from; isRead && start < unread.to; start += 1_000 * PERIOD) {
      const served = serves((start - NOW_MS) / 60_000);
      if (served === undefined) continue;
      periods.push({ start, facts: { canary: arm(served.canary), baseline: arm(served.stable) } });
    }
    widestRead = Math.max(widestRead, periods.length);
    const window = knownWindow(step, settled, state.counted, isRead);
    const freeze = world.freeze?.(second);
    const look = aLookAt(step, release, {
      ...{ release, step, wave, state, periods, window, now, freeze },
      ...world.look,
    });
    const judged = judge(look);
    const decision = decide(look, judged);
    told.push({ look, judged, decision });
    // As the workflow carries it from look to look.
    state = lookStateSchema.parse(JSON.parse(JSON.stringify(decision.state)));
    if (decision.verdict !== 'continue') break;
  }
  const last = told.at(-1);
  if (last === undefined) throw new Error('nobody looked');
  return { ...last, told, widestRead, hours: (last.look.now - NOW_MS) / 1_000 / HOUR };
};

const codes = ({ reasons }: Pick<Decision, 'reasons'>) => reasons.map(({ code }) => code);
const typesOf = ({ look, judged, decision }: Told) =>
  lookRecords(look, judged, decision)
    .map(({ event }) => event.type)
    .filter((type) => type !== 'release.round.judged');
const conclusionOf = ({ look, judged, decision }: Told) =>
  lookRecords(look, judged, decision).find(({ event }) => event.type === 'release.experiment.concluded');

describe('an experiment of weeks', () => {
  const sequential = { mode: 'sequential' } as const;

  it('is over at its horizon, and goes back to the stable version without a winner', () => {
    const end = run(20 * DAY);
    expect(end.hours).toBe(14 * 24);
    expect(end.decision.verdict).toBe('restore');
    expect(end.decision.reasons[0]).toMatchObject({
      code: 'experiment-over',
      text: `the experiment is over: no difference that it was to find; all traffic goes back to version ${STABLE}`,
      facts: { decision: 'no-difference', winner: 'none', enough: true },
    });
    expect(end.judged.experiment?.n).toEqual({
      canary: 14 * 1_440 * SESSIONS,
      stable: 14 * 1_440 * SESSIONS,
    });
    expect(typesOf(end)).toEqual(['release.experiment.concluded']);
  });

  it('reads an hour at a time, and has counted every minute once', () => {
    const { told, widestRead } = run(3 * DAY + 120);
    expect(widestRead).toBeLessThanOrEqual(60);
    for (const { look } of told) {
      const { facts } = lookInput(look);
      expect(facts.cumulative.canary?.requests ?? 0).toBe((100 * facts.judgedSeconds) / PERIOD);
      for (const round of facts.rounds) expect(round.canary?.requests).toBe(6_000);
    }
  });

  it('carries no more from look to look after a week than after a day', () => {
    const sizeAfter = (days: number) => JSON.stringify(run(days * DAY).decision.state).length;
    expect(sizeAfter(7)).toBeLessThan(1.1 * sizeAfter(1));
  });

  it('tells nobody before a fixed horizon what it would be decided on', () => {
    const { look, judged, decision } = run(3 * DAY, { serves: better });
    expect(decision.verdict).toBe('continue');
    const { experiment } = lookProgress(look, judged, decision);
    expect(experiment).toEqual({
      verdict: 'running',
      winner: 'none',
      enough: false,
      n: { canary: 86_400, stable: 86_400 },
    });
    const rounds = run(3 * DAY, { serves: better }).told.flatMap((one) =>
      lookRecords(one.look, one.judged, one.decision),
    );
    expect(rounds).toHaveLength(72);
    expect(JSON.stringify(rounds)).not.toContain('orders');
  });

  it('ends at the first winner where it is sequential, which is not promoted by default', () => {
    const end = run(14 * DAY, { settings: sequential, serves: better });
    expect(end.hours).toBeLessThan(24);
    expect(end.judged.experiment).toMatchObject({ decision: 'canary', enough: true });
    expect(end.decision.verdict).toBe('restore');
    expect(end.decision.reasons[0]?.text).toBe(
      `the experiment is over: the new version has won, which is to be told and not promoted; all traffic goes back to version ${STABLE}`,
    );
  });

  it('promotes a winner only where that was said before', () => {
    const settings = { ...sequential, onSuccess: 'promote' } as const;
    const end = run(14 * DAY, { settings, serves: better });
    expect(end.decision.verdict).toBe('promote');
    expect(codes(end.decision)[0]).toBe('experiment-won');
    expect(typesOf(end)).toEqual(['release.experiment.concluded', 'release.stage.promoted']);
    for (const [serves, decision] of [
      [even, 'no-difference'],
      [() => ({ canary: { good: 1 }, stable: { good: 1.5 } }), 'stable'],
      [() => undefined, 'no-decision'],
    ] as const) {
      const hours = { horizon: { seconds: 2 * DAY }, silenceSeconds: 604_800 };
      const other = run(3 * DAY, { settings: { ...settings, ...hours }, serves });
      expect(other.decision.verdict).toBe('restore');
      expect(other.judged.experiment).toMatchObject({ decision });
    }
  });

  it('never promotes for want of data: too few are no decision', () => {
    const settings = { onSuccess: 'promote', horizon: { seconds: HOUR }, minimumSample: 2_000 } as const;
    const end = run(2 * HOUR, { settings, serves: better });
    expect(end.decision.verdict).toBe('restore');
    expect(end.judged.experiment).toMatchObject({ decision: 'no-decision', enough: false });
    expect(codes(end.decision)).toEqual(['experiment-over', 'sample-small', 'horizon-partial-week']);
  });

  it('is judged by what settled within its horizon, however late the look', () => {
    const settings = { horizon: { seconds: DAY } };
    const late = (minute: number) => (minute < 1_440 ? even(minute) : better(minute));
    const atOnce = run(3 * DAY, { settings, serves: late, every: DAY });
    const dayLater = run(3 * DAY, { settings, serves: late, every: 2 * DAY });
    expect(dayLater.judged.experiment).toEqual(atOnce.judged.experiment);
    expect(dayLater.judged.experiment?.n.canary).toBe(1_440 * SESSIONS);
  });
});

describe('its version is judged as any other meanwhile', () => {
  const breaking =
    (at: number): Minute =>
    (minute) => ({
      canary: { good: 1, errors: minute < at ? 0 : 30 },
      stable: { good: 1 },
    });

  it('and a breach brings it back, after days as on the first', () => {
    for (const day of [0, 5]) {
      const end = run(14 * DAY, { serves: breaking(day * 1_440) });
      expect(end.decision.verdict).toBe('restore');
      expect(codes(end.decision)).not.toContain('experiment-over');
      expect(end.hours).toBeLessThanOrEqual(24 * day + 3);
      expect(typesOf(end)).toEqual(['release.experiment.concluded', 'release.look.decided']);
      expect(conclusionOf(end)?.data.experiment).toMatchObject({
        result: { decision: 'no-decision', enough: false },
      });
    }
  });

  it('and a raised guard alarm too', () => {
    const guards = { alarms: [{ name: 'orders-low', state: 'ALARM' as const }], unknown: [] };
    expect(codes(run(DAY, { look: { guards } }).decision)).toContain('guard-alarm');
  });

  it('an hour of chance does not: rounds are many, and each allows for that', () => {
    const look = run(HOUR).look;
    expect(lookInput(look).policy.score.chanceAlpha).toBeCloseTo(0.01 * Math.sqrt(12 / 336), 12);
  });

  it('nights without callers go by, and a day of silence is held, then brought back', () => {
    const nights: Minute = (minute) => (minute % 1_440 < 600 ? undefined : even(minute));
    expect(run(14 * DAY, { serves: nights }).judged.experiment).toMatchObject({ verdict: 'concluded' });
    const silent: Minute = (minute) => (minute < 2_880 ? even(minute) : undefined);
    const end = run(14 * DAY, { serves: silent });
    expect(codes(end.decision)[0]).toBe('hold-deadline');
    // Two days with data, one of silence, an hour to be sure of it, and the hold.
    expect(end.hours).toBeGreaterThanOrEqual(48 + 24 + 2);
    expect(end.hours).toBeLessThanOrEqual(48 + 24 + 4);
    expect(end.told.filter(({ decision }) => decision.holdBegins)).toHaveLength(1);
  });

  it('a source that does not answer stops the clock, and nothing is lost of what it then tells', () => {
    const settings = { horizon: { seconds: 2 * DAY } };
    const end = run(3 * DAY, { settings, answers: (second) => second < 10 * HOUR || second > 20 * HOUR });
    expect(end.judged.experiment?.n.canary).toBe(2 * 1_440 * SESSIONS);
    expect(end.hours).toBe(48);
    const week = { horizon: { seconds: 7 * DAY }, silenceSeconds: 604_800 };
    const behind = run(8 * DAY, { settings: week, answers: (second) => second > 6 * DAY });
    expect(behind.widestRead).toBe(1_440);
    expect([behind.judged.experiment?.n.canary, behind.hours]).toEqual([7 * 1_440 * SESSIONS, 7 * 24]);
    const blind = run(4 * DAY, { settings, answers: (second) => second < 40 * HOUR });
    expect(codes(blind.decision)[0]).toBe('hold-deadline');
    expect(blind.judged.experiment?.verdict).toBe('running');
  });
});

describe('people and an experiment', () => {
  const settings = { mode: 'sequential', onSuccess: 'promote' } as const;
  const pause = { by: ann, reason: 'a look at it', at: NOW };

  it('a pause keeps the winner from being promoted, and what was found from changing', () => {
    const release = { paused: pause, plan: { ...experimentPlan(settings), pauseSeconds: 2 * DAY } };
    const paused = run(DAY, { settings, serves: better, release });
    expect(paused.decision.verdict).toBe('continue');
    expect(codes(paused.decision)[0]).toBe('paused');
    const conclusions = paused.told.filter((one) => conclusionOf(one) !== undefined);
    expect(conclusions).toHaveLength(1);
    expect(paused.decision.state.experiment?.result).toEqual(conclusions[0]?.judged.experiment);
    expect(codes(run(3 * DAY, { settings, serves: better, release }).decision)[0]).toBe('pause-deadline');
  });

  it('who promotes by hand ends it: its numbers are told, and decide nothing', () => {
    const promotionWish = { by: ann, reason: 'good enough', at: NOW, step: 0 };
    const end = run(DAY, { release: { promotionWish }, serves: better });
    expect(end.decision.verdict).toBe('promote');
    expect(codes(end.decision)[0]).toBe('operator-promote');
    expect(conclusionOf(end)?.data).toMatchObject({
      verdict: 'promote',
      reasons: [{ code: 'experiment-stopped' }],
      experiment: { result: { decision: 'no-decision', reached: { stable: 60 } } },
    });
    expect(lookProgress(end.look, end.judged, end.decision).experiment).toMatchObject({
      decision: 'no-decision',
    });
  });

  it('a freeze keeps a winner waiting until it is over, however long', () => {
    const freeze = { until: NOW, reason: 'black friday', by: ann, at: NOW };
    const frozen = (second: number) => (second < 5 * DAY ? freeze : undefined);
    const end = run(14 * DAY, { settings, serves: better, freeze: frozen });
    expect(end.told.some(({ decision }) => codes(decision)[0] === 'frozen')).toBe(true);
    expect([end.hours, end.decision.verdict]).toEqual([5 * 24, 'promote']);
  });

  it('a winner whose guards are not heard is not promoted, and goes back when they stay unheard', () => {
    const guards = { alarms: [], unknown: ['orders-low'] };
    const end = run(14 * DAY, { settings, serves: better, look: { guards } });
    expect(end.decision.verdict).toBe('restore');
    expect(end.decision.reasons[0]).toMatchObject({
      code: 'experiment-over',
      text: expect.stringContaining('could not be promoted within'),
    });
  });

  it('a winner is not promoted right after a failed round', () => {
    const limping: Minute = (minute) => ({
      canary: { good: 1.5, errors: minute < 6 * 60 ? 2 : 0 },
      stable: { good: 1 },
    });
    const { judge: usual } = aRelease();
    const lenient = {
      ...usual,
      failedRoundsMax: 100,
      score: { ...usual.score, averageMin: 0 },
      evidence: { ...usual.evidence, alpha: 1e-300 },
    };
    const end = run(2 * DAY, {
      settings,
      serves: limping,
      release: { judge: lenient, plan: { ...experimentPlan(settings), stageDeadlineSeconds: 2 * DAY } },
    });
    const waiting = end.told.filter(({ decision }) => codes(decision)[0] === 'round-failed');
    expect(waiting.length).toBeGreaterThan(0);
    expect([end.decision.verdict, end.hours]).toEqual(['promote', 7]);
  });

  it('with autoRollback off its end waits too, for whoever distrusts restores', () => {
    const { look, judged, decision } = run(14 * DAY, { settings: { mode: 'sequential' }, serves: better });
    const off = { ...look, off: ['autoRollback'] as const };
    expect(underSwitches(off, judged, decision, 'read')).toMatchObject({
      verdict: 'continue',
      holdBegins: true,
    });
  });
});
