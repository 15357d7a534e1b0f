import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const REPOSITORY = path.resolve(import.meta.dirname, '..', '..');
const directory = mkdtempSync(path.join(tmpdir(), 'sluice-experiment-'));
afterAll(() => rmSync(directory, { recursive: true }));

const experiment = (args: readonly string[], lines: readonly (object | string)[] = []) => {
  const input = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(REPOSITORY, 'cli', 'sluice.ts'), 'experiment', ...args],
    { cwd: REPOSITORY, input, encoding: 'utf8' },
  );
  const answers = stdout.split('\n').filter((line) => line.startsWith('{'));
  return { status, stderr, answers: answers.map((line) => JSON.parse(line)) };
};

const fileOf = (name: string, content: unknown): string => {
  const file = path.join(directory, name);
  writeFileSync(file, JSON.stringify(content));
  return file;
};

describe('sluice experiment plan', () => {
  it('says how large a sample is needed, and how long that takes', () => {
    const { status, answers } = experiment([
      'plan',
      '--base',
      '5',
      '--difference',
      '0.5',
      '--per-day',
      '10000',
    ]);
    expect(status).toBe(0);
    expect(answers).toEqual([
      {
        fixedHorizon: { canary: 31_234, stable: 31_234, days: 7 },
        sequentialHalfOfTheTime: { canary: expect.any(Number), stable: expect.any(Number), days: 9 },
      },
    ]);
  });

  it.each([
    [['--base', '5']],
    [['--base', '5', '--difference', '0']],
    [['--base', '5', '--difference', '-5']],
    [['--base', '0', '--difference', '1']],
    [['--base', '5', '--difference', '1', '--power', '1']],
  ])('%j is wrong usage', (args) => {
    const { status, stderr, answers } = experiment(['plan', ...args]);
    expect([status, answers]).toEqual([2, []]);
    expect(stderr).not.toBe('');
  });
});

describe('sluice experiment judge', () => {
  const policy = fileOf('policy.json', { goal: 'orders', mode: 'sequential', horizon: { seconds: 604_800 } });
  const line = (day: number, good: number, changes: object = {}) => ({
    at: `2026-01-0${day}T10:00:00Z`,
    canary: { goals: { orders: { good, total: 5_000 } } },
    baseline: { goals: { orders: { good: 250, total: 5_000 } } },
    ...changes,
  });

  it('sums the goals of the lines, and names the winner at the first look that shows one', () => {
    const { status, answers } = experiment(['judge', '--policy', policy], [line(1, 310), line(2, 390)]);
    expect(status).toBe(0);
    expect(answers.map(({ verdict, winner }) => [verdict, winner])).toEqual([
      ['running', 'none'],
      ['concluded', 'canary'],
    ]);
    expect(answers[1]).toMatchObject({ at: line(2, 0).at, n: { canary: 10_000, stable: 10_000 } });
  });

  it('is over after its horizon, counted from the first line', () => {
    const { answers } = experiment(['judge', '--policy', policy], [line(1, 255), line(8, 245)]);
    expect(answers.map(({ verdict, winner }) => [verdict, winner])).toEqual([
      ['running', 'none'],
      ['concluded', 'none'],
    ]);
  });

  it.each([
    ['a line without a time', line(2, 300, { at: undefined }), /^sluice: line 2: at is missing/],
    ['a line at 100 %', line(2, 300, { weightPercent: 100 }), /^sluice: line 2: at 100 %/],
    ['more good than there were', line(2, 5_001), /^sluice: line 2: canary.goals.orders: 5001 of 5000/],
    ['no JSON', '{', /^sluice: line 2: /],
  ])('stops at %s', (_, bad, message) => {
    const { status, stderr, answers } = experiment(['judge', '--policy', policy], [line(1, 300), bad]);
    expect([status, answers.length]).toEqual([2, 1]);
    expect(stderr).toMatch(message);
  });

  it.each([[[]], [['--policy', 'nowhere.json']], [['--policy', fileOf('wrong.json', { goal: 'orders' })]]])(
    'needs a policy that is one, unlike %j',
    (args) => {
      expect(experiment(['judge', ...args], [line(1, 300)]).status).toBe(2);
    },
  );
});
