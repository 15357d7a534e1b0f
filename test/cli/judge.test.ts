import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const REPOSITORY = path.resolve(import.meta.dirname, '..', '..');
const directory = mkdtempSync(path.join(tmpdir(), 'sluice-judge-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** The command in a process of its own, as `cli/sluice.ts` runs it. */
const RUN = `
  import { Command, CommanderError } from 'commander';
  import { registerJudge } from './cli/judge.ts';
  const program = new Command('sluice').exitOverride();
  registerJudge(program);
  try { await program.parseAsync(['judge', ...process.argv.slice(1)], { from: 'user' }); }
  catch (error) { console.error(error.message); process.exitCode = error.exitCode === 0 ? 0 : 2; }`;

const judge = (lines: readonly (object | string)[], ...args: readonly string[]) => {
  const input = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', RUN, '--', ...args],
    {
      cwd: REPOSITORY,
      input,
      encoding: 'utf8',
    },
  );
  return {
    status,
    stderr,
    answers: stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line)),
  };
};

const fileOf = (name: string, content: unknown): string => {
  const file = path.join(directory, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

/** The line that the specification of the command shows. */
const shown = {
  at: '2026-01-05T10:00:10Z',
  stage: 0,
  weightPercent: 10,
  endOfRound: true,
  canary: {
    requests: 120,
    errors: 1,
    latencyMs: { p50: 40, p95: 110, p99: 300 },
    slowerThan: { '100': 9, '250': 1, '2000': 0 },
  },
  baseline: {
    requests: 1080,
    errors: 9,
    latencyMs: { p50: 41, p95: 108, p99: 290 },
    slowerThan: { '100': 80, '250': 12, '2000': 0 },
  },
  probes: { attempts: 3, successes: 3 },
};
const look = (changes: object = {}) => ({ ...shown, ...changes });

describe('sluice judge', () => {
  it('answers a look with its verdict, scores, tests and reasons', () => {
    const { status, answers } = judge([shown]);
    expect(status).toBe(0);
    expect(answers).toHaveLength(1);
    expect(Object.keys(answers[0])).toEqual([
      'at',
      'verdict',
      'score',
      'scoreUpper',
      'baselineScore',
      'evidence',
      'reasons',
    ]);
    expect(answers[0]).toMatchObject({
      at: shown.at,
      verdict: 'continue',
      evidence: { lnE: expect.any(Number), threshold: expect.closeTo(Math.log(100), 9) },
    });
    // 0.35 × 15 × (0.833 − 0.1) / 0.9 for 0.83 % of errors, 0.25 × 15 × 1.85 / 20 for p95.
    expect(answers[0].score).toBeCloseTo(100 - 4.278 - 0.347, 2);
    expect(answers[0].evidence.tests).toEqual([
      expect.objectContaining({
        test: 'errors-relative',
        canary: 1,
        baseline: 9,
        share: 0.1,
        rateRatio: [expect.any(Number), expect.any(Number)],
      }),
      expect.objectContaining({ test: 'slow-relative', boundMs: 100, canary: 9, baseline: 80 }),
      expect.objectContaining({ test: 'slow-relative', boundMs: 250, canary: 1, baseline: 12 }),
      expect.objectContaining({ test: 'errors-absolute', canary: 1, of: 120, limit: 0.05 }),
      expect.objectContaining({ test: 'p99-absolute', boundMs: 2000, canary: 0, of: 120, limit: 0.01 }),
      expect.objectContaining({ test: 'p95-absolute', boundMs: 250, canary: 1, of: 120, limit: 0.05 }),
      { test: 'errors-few', lnE1: expect.any(Number), canary: 1, baseline: 9, share: 0.1 },
    ]);
  });

  it('sums counts over the looks of a stage, judges rounds at their end and promotes after the last', () => {
    const { answers } = judge([look({ endOfRound: false }), look(), look(), look()]);
    expect(answers.map(({ verdict }) => verdict)).toEqual(['continue', 'continue', 'continue', 'promote']);
    expect(answers[3].evidence.tests[0]).toMatchObject({ canary: 4, baseline: 36 });
    expect(answers[3].reasons[0]).toMatchObject({ code: 'stage-passed', facts: { requests: 480 } });
  });

  it('begins a stage anew, but for the evidence', () => {
    const bad = look({
      endOfRound: false,
      canary: { requests: 1000, errors: 15 },
      baseline: { requests: 9000, errors: 40 },
    });
    const { answers } = judge([bad, { ...bad, stage: 1 }]);
    expect(answers.map(({ verdict }) => verdict)).toEqual(['continue', 'rollback']);
    expect(answers[1].evidence.tests[0]).toMatchObject({ canary: 15, baseline: 40 });
    const fresh = judge([{ ...bad, stage: 1 }]).answers[0];
    expect(answers[1].evidence.lnE).toBeGreaterThan(fresh.evidence.lnE + 2);
  });

  it('counts what settles late for the stage before', () => {
    const stage = {
      endOfRound: false,
      canary: { requests: 1000, errors: 15 },
      baseline: { requests: 9000, errors: 40 },
    };
    const before = { canary: { requests: 1100, errors: 24 }, baseline: { requests: 9900, errors: 44 } };
    const quiet = { stage: 1, endOfRound: false, canary: {}, baseline: {} };
    const { answers } = judge([look(stage), look(quiet), look({ ...quiet, before })]);
    expect(answers.map(({ verdict }) => verdict)).toEqual(['continue', 'continue', 'rollback']);
    expect(answers[2].reasons[0].text).toMatch(
      /^rolled back: 24 of 68 errors on 10 % of traffic, .* in the stage before, E = /,
    );
    const first = judge([look({ ...stage, before })]);
    expect([first.status, first.stderr.trim()]).toEqual([
      2,
      'line 1: before is about the stage before, and there is none',
    ]);
  });

  it('takes cumulative counts in the place of what the lines told', () => {
    const { canary, baseline } = shown;
    const { answers } = judge([shown, look({ cumulative: { canary, baseline } }), shown]);
    expect(answers.map(({ evidence }) => evidence.tests[0].baseline)).toEqual([9, 9, 18]);
  });

  it('rolls back, and still ends with 0: the question was answered', () => {
    const { status, answers } = judge([look({ canary: { requests: 10, errors: 10 } })]);
    expect(status).toBe(0);
    expect(answers[0]).toMatchObject({ verdict: 'rollback' });
    expect(answers[0].reasons[0].code).toBe('evidence');
  });

  it('takes what is left out for missing, never for zero', () => {
    const { status, answers } = judge([{}, { endOfRound: true }, { endOfRound: true }, { endOfRound: true }]);
    expect(status).toBe(0);
    expect(answers.map(({ verdict }) => verdict)).toEqual(['continue', 'continue', 'continue', 'extend']);
    expect(answers[3]).not.toHaveProperty('score');
    expect(answers[3].evidence.tests).toEqual([]);
  });

  it('holds when a stage’s time is long over and data is still missing', () => {
    const { answers } = judge([look({ canary: {} }), look({ canary: {}, at: '2026-01-05T11:00:00Z' })]);
    expect(answers.map(({ verdict }) => verdict)).toEqual(['continue', 'hold']);
  });

  it('judges the last stage against the history that a line gives', () => {
    const history = { counts: { requests: 36_000, errors: 30, latencyMs: { p95: 108 } } };
    const last = { stage: 3, weightPercent: 100, endOfRound: true, history, probes: shown.probes };
    expect(judge([{ ...last, canary: shown.canary }]).answers[0].verdict).toBe('promote');
    const slow = { ...shown.canary, slowerThan: { '100': 110, '250': 60, '2000': 0 } };
    expect(judge([{ ...last, canary: slow }]).answers[0].verdict).toBe('rollback');
  });

  it('prints what no JSON number can say as null', () => {
    const none = look({ canary: { requests: 50, errors: 3 }, baseline: { requests: 450, errors: 0 } });
    expect(judge([none]).answers[0].evidence.tests[0].rateRatio).toEqual([expect.any(Number), null]);
  });
});

describe('options', () => {
  const bad = look({ canary: { requests: 1000, errors: 20 }, baseline: { requests: 9000, errors: 40 } });

  it.each([
    [['--alpha', '0.00001']],
    [['--margin', '3']],
    [['--dispersion', '5']],
    [['--policy', fileOf('strict.json', { evidence: { alpha: 0.00001 } })]],
  ])('%j spare what the default rolls back', (args) => {
    const line = { ...bad, endOfRound: false };
    expect(judge([line]).answers[0].verdict).toBe('rollback');
    expect(judge([line], ...args).answers[0].verdict).toBe('continue');
  });

  it('override the policy file, and leave the rest of it', () => {
    const policy = fileOf('policy.json', { evidence: { alpha: 0.00001 }, minimumCanaryRequests: 5000 });
    const { answers } = judge(
      [bad, look(), look(), look()],
      '--policy',
      policy,
      '--alpha',
      '0.05',
      '--concentration',
      '20',
    );
    expect(answers[0].evidence.threshold).toBeCloseTo(Math.log(20), 9);
    const lenient = judge([look(), look(), look()], '--policy', policy).answers;
    expect(lenient[2].reasons[0]).toMatchObject({ code: 'canary-requests-few', facts: { minimum: 5000 } });
  });

  it('--plan says how many rounds a stage has', () => {
    const stages = [
      { weightPercent: 10, rounds: 1, roundSeconds: 30 },
      { weightPercent: 100, rounds: 1, roundSeconds: 30 },
    ];
    const plan = fileOf('plan.json', { stages });
    expect(judge([shown], '--plan', plan).answers[0].verdict).toBe('promote');
    const beyond = judge([look({ stage: 3 })], '--plan', plan);
    expect([beyond.status, beyond.stderr.trim()]).toEqual([2, 'line 1: the plan has no stage 3']);
    expect(judge([look({ stage: 8 })]).status).toBe(0);
  });

  it.each([
    ['an option that is no number', ['--alpha', 'small']],
    ['an empty number', ['--margin', '']],
    ['an α out of range', ['--alpha', '1']],
    ['a dispersion below 1', ['--dispersion', '0.5']],
    ['an unknown option', ['--threshold', '3']],
    ['a policy that does not exist', ['--policy', 'nowhere.json']],
    ['a policy with an unknown key', ['--policy', fileOf('unknown.json', { strict: true })]],
    ['a policy that is no JSON', ['--policy', fileOf('broken.json', '{')]],
    ['a plan without a last stage', ['--plan', fileOf('short.json', { stages: [] })]],
    ['an input file that does not exist', ['nowhere.jsonl']],
  ])('%s is wrong usage', (_, args) => {
    const { status, stderr, answers } = judge([shown], ...args);
    expect(status).toBe(2);
    expect(stderr).not.toBe('');
    expect(answers).toEqual([]);
  });

  it('a file takes the place of standard input', () => {
    const file = fileOf('looks.jsonl', `${JSON.stringify(shown)}\n\n${JSON.stringify(shown)}\n`);
    expect(judge(['{'], file).answers).toHaveLength(2);
  });
});

describe('a bad line', () => {
  it.each([
    ['no JSON', '{"at":', /^line 2: /],
    ['no object', '[]', /^line 2: /],
    ['an unknown member', look({ requests: 5 }), /^line 2: .*requests/],
    ['a negative count', look({ canary: { requests: -1 } }), /^line 2: canary\.requests/],
    [
      'more errors than requests',
      look({ canary: { requests: 3, errors: 5 } }),
      /^line 2: canary\.errors: 5 of 3 requests/,
    ],
    [
      'more slow requests than requests',
      look({ baseline: { requests: 3, slowerThan: { '100': 4 } } }),
      /^line 2: baseline\.slowerThan\.100/,
    ],
    [
      'more successes than attempts',
      look({ probes: { attempts: 1, successes: 2 } }),
      /^line 2: probes\.successes/,
    ],
    ['a time that is none', look({ at: 'yesterday' }), /^line 2: at/],
    ['a weight above 100', look({ weightPercent: 101 }), /^line 2: weightPercent/],
    ['null for missing', look({ baseline: null }), /^line 2: baseline/],
  ])('with %s: its number and reason, exit 2, and the answers before it', (_, line, message) => {
    const { status, stderr, answers } = judge([shown, line, shown]);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(answers).toHaveLength(1);
  });

  it('can be one that goes back to an earlier stage', () => {
    const { status, stderr } = judge([look({ stage: 1 }), look({ stage: 0 })]);
    expect([status, stderr.trim()]).toEqual([2, 'line 2: stage 0 comes after stage 1']);
  });
});
