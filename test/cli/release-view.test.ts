import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { EMPTY_LEDGER, linkRecords } from '#ledger/chain.ts';
import type { LedgerEventType } from '#ledger/event-types.ts';
import { phaseOf, type Release } from '#releases/release.ts';
import { deadlineOf, type ReleaseView, releaseLines, spell } from '../../cli/release/release-view.ts';
import { lineDisplay, liveView, recordDisplay } from '../../cli/release/show-progress.ts';
import { experimentPlan } from '../builders/experiment.ts';
import { ann, aRelease, aSnapshot, aWave, CANARY, NOW, NOW_MS, progressAt } from '../builders/release.ts';
import { aDraft, aSalt } from '../ledger/drafts.ts';

const view = (overrides: Partial<Release> = {}): ReleaseView => {
  const release = aRelease({ startedAt: NOW, snapshots: [aSnapshot()], ...overrides });
  return { ...release, phase: phaseOf(release) };
};

const recordsOf = (...drafts: readonly (readonly [LedgerEventType, Record<string, unknown>])[]) =>
  linkRecords(
    EMPTY_LEDGER,
    drafts.map(([type, data]) => aDraft(data, type, NOW)),
    { newSalt: aSalt, ids: drafts.map(() => '01JGXQ00000000000000000000') },
  ).records.map(({ record }) => record);

const running = view({
  notes: 'faster basket',
  progress: {
    step: 0,
    steps: 2,
    kind: 'stage',
    wave: 0,
    stage: 0,
    stages: 2,
    weightPercent: 50,
    round: 1,
    rounds: 3,
    score: 91.24,
    scoreUpper: 97,
    baselineScore: 98.5,
    reasons: [{ code: 'errors', text: 'error rate 2 % (4 of 200), limit 1 %' }],
    lookedAt: NOW,
  },
});
const shifted = recordsOf(['release.shift.done', { weightPercent: 50, canary: CANARY }]);

const text = (lines: readonly string[]): string => stripVTControlCharacters(lines.join('\n'));

describe('what is shown of a release', () => {
  it('is where it stands, why, and until when', () => {
    const shown = text(releaseLines(running, shifted, NOW_MS + 3_000));
    expect(shown).toContain(`checkout ${CANARY} in production  running  rel_`);
    expect(shown).toMatch(/^asked by +ann at 2026-03-01 12:00:00 UTC$/m);
    expect(shown).toMatch(/^notes +faster basket$/m);
    expect(shown).toMatch(/^traffic +█{10}░{10} 50 %$/m);
    expect(shown).toMatch(/^stage +1 of 2, round 1 of 3$/m);
    expect(shown).toMatch(/^score +91\.2 \(at best 97\.0, stable version 98\.5\)$/m);
    expect(shown).toMatch(/^ {2}– error rate 2 % \(4 of 200\), limit 1 %$/m);
    // Thrice the stage's one round of ten seconds, and ten minutes.
    expect(shown).toMatch(/^deadline +in 10 min 27 s: it is held or restored/m);
    expect(shown).toMatch(/^last look +3 s ago$/m);
  });

  it('is which wave it is in, of several, and that it is watched at the end', () => {
    const where = {
      wave: 1,
      kind: 'watch',
      step: 4,
      steps: 5,
      stage: 1,
      stages: 2,
      weightPercent: 100,
    } as const;
    const watched = view({
      waves: [aWave({ name: 'us' }), aWave({ name: 'eu', bakeSeconds: 30 })],
      progress: { ...where, round: 1, rounds: 3 },
      strategy: 'blue-green',
    });
    const shown = text(releaseLines(watched, [], NOW_MS));
    expect(shown).toMatch(/^strategy +blue-green$/m);
    expect(shown).toMatch(/^wave +eu \(2 of 2\)$/m);
    expect(shown).toMatch(/^stage +watch, round 1 of 3$/m);
  });

  it('is no guess before anything has moved', () => {
    const shown = text(releaseLines(view(), [], NOW_MS));
    expect(shown).not.toMatch(/traffic|stage|score|deadline|last look/);
  });

  it('is who paused it, and what comes of it', () => {
    const paused = view({
      ...(running.progress && { progress: running.progress }),
      paused: { by: ann, reason: 'lunch', at: NOW },
    });
    const shown = text(releaseLines(paused, shifted, NOW_MS));
    expect(shown).toMatch(/^paused +by ann: lunch$/m);
    expect(shown).toMatch(/^deadline +in 1 d 0 h: traffic is restored/m);
  });

  it('of an ended one is how it ended, and no deadline', () => {
    const ended = view({
      ...(running.progress && { progress: running.progress }),
      mode: 'done',
      outcome: 'rolled-back',
      concludedAt: NOW,
      reasons: [{ code: 'score', text: 'the average score is 41.7 < 85' }],
    });
    const shown = text(releaseLines(ended, shifted, NOW_MS));
    expect(shown).toMatch(/rolled-back/);
    expect(shown).toMatch(/^ended +2026-03-01 12:00:00 UTC\n {2}– the average score is 41\.7 < 85$/m);
    expect(shown).not.toMatch(/deadline|traffic/);
    expect(deadlineOf(ended, shifted)).toBeUndefined();
  });
});

describe('the story of a release', () => {
  const records = recordsOf(
    ['release.accepted', {}],
    ['release.shift.intended', { weightPercent: 50 }],
    ['release.shift.done', { weightPercent: 50, canary: CANARY }],
  );

  it('is a line for each record that means something to people, told once', () => {
    const lines: string[] = [];
    const display = lineDisplay((line) => lines.push(line));
    display.show({ release: running, records, fresh: records });
    display.show({ release: running, records, fresh: [] });
    expect(lines).toHaveLength(2);
    expect(lines[1]).toBe(`12:00:00  traffic: 50 % to version ${CANARY}, read back`);
  });

  it('has no line of somebody else’s, and nothing that a terminal obeys', () => {
    const said = 'fine\n12:00:00  ended: promoted \u001b[2J';
    const fresh = recordsOf(['release.rolled-back', { reasons: [{ code: 'why', text: said }] }]);
    const lines: string[] = [];
    lineDisplay((line) => lines.push(line)).show({ release: running, records: fresh, fresh });
    const shown = 'fine 12:00:00  ended: promoted \\u001b[2J';
    expect(lines).toEqual([`12:00:00  ended: rolled-back\n      – ${shown}`]);
    const noted = { ...running, notes: said };
    expect(text([liveView({ release: noted, records, fresh: [] }, NOW_MS)])).toContain(
      `notes     ${shown}\n`,
    );
  });

  it('is every record as it is, for scripts', () => {
    const lines: string[] = [];
    recordDisplay((line) => lines.push(line)).show({ release: running, records, fresh: records });
    expect(lines.map((line) => JSON.parse(line))).toEqual(records);
  });

  it('is under the live view, newest last', () => {
    const shown = text([liveView({ release: running, records, fresh: [] }, NOW_MS)]);
    expect(shown.startsWith('checkout')).toBe(true);
    expect(shown.endsWith('read back')).toBe(true);
  });
});

it.each([
  [0, '0 s'],
  [59.6, '1 min 0 s'],
  [95, '1 min 35 s'],
  [3_600, '1 h 0 min'],
  [90_000, '1 d 1 h'],
])('%d seconds are told as %s', (seconds, words) => {
  expect(spell(seconds)).toBe(words);
});

describe('what is shown of an experiment', () => {
  const plan = experimentPlan();
  const progress = { ...progressAt(0, 50, 3), kind: 'experiment' as const, round: 3, rounds: 336 };
  const standing = {
    verdict: 'running',
    winner: 'none',
    enough: false,
    n: { canary: 960, stable: 1_012 },
  } as const;
  const shown = (experiment: NonNullable<Release['progress']>['experiment']) =>
    text(
      releaseLines(
        view({ strategy: 'experiment', plan, progress: { ...progress, experiment } }),
        recordsOf([
          'release.shift.done',
          { kind: 'experiment', split: 'cookie', weightPercent: 50, canary: CANARY },
        ]),
        NOW_MS + 1_000,
      ),
    );

  it('is how many it has seen, and until when it goes on', () => {
    const lines = shown(standing);
    expect(lines).toMatch(/^stage +experiment, round 3 of 336$/m);
    expect(lines).toMatch(/^question +open$/m);
    expect(lines).toMatch(/^sample +960 on the new version, 1012 on the stable one$/m);
    expect(lines).toMatch(/^deadline +in 13 d 23 h: the experiment is over, with or without a winner$/m);
    expect(lines).not.toMatch(/^shows/m);
  });

  it('is its answer with interval, and p or evidence', () => {
    const told = {
      ...standing,
      verdict: 'concluded',
      decision: 'no-decision',
      reached: { canary: 60, stable: 50 },
      difference: 0.0131,
      interval: [-0.007, 0.0333] as [number, number],
    } as const;
    const fixed = shown({ ...told, p: 0.2 });
    expect(fixed).toMatch(/^question +no decision, for want of data$/m);
    expect(fixed).toMatch(/^sample +60 of 960 on the new version, 50 of 1012 on the stable one$/m);
    expect(fixed).toMatch(/^shows +\+1\.31 points \(-0\.700 to \+3\.33\), p = 0\.20$/m);
    const sequential = shown({ ...told, decision: 'canary', lnE: Math.log(400) });
    expect(sequential).toMatch(/^question +the new version won$/m);
    expect(sequential).toMatch(/, E = 400$/m);
  });

  it('is told in its story', () => {
    const lines: string[] = [];
    const records = recordsOf(
      ['release.shift.done', { kind: 'experiment', split: 'cookie', weightPercent: 50, canary: CANARY }],
      ['release.experiment.concluded', { reasons: [{ code: 'experiment-won', text: 'the canary wins' }] }],
      ['release.stage.promoted', { kind: 'experiment', stage: 0, reasons: [] }],
      ['release.completed', { reasons: [{ code: 'experiment-over', text: 'the experiment is over' }] }],
    );
    lineDisplay((line) => lines.push(line)).show({ release: view(), records, fresh: records });
    expect(lines.join('\n')).toContain(`50 % of callers stay with version ${CANARY}, told apart by cookie`);
    expect(lines.join('\n')).toContain('the experiment has its answer\n      – the canary wins');
    expect(lines.join('\n')).toContain('the new version goes on to all traffic');
    expect(lines.join('\n')).not.toContain('stage 1 passed');
    expect(lines.join('\n')).toContain('ended: completed');
  });
});
