import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runSteps } from '../../local/steps.ts';
import { addUp, readFigures } from '../../local/test-figures.ts';

describe('the last line of npm test', () => {
  let directory: string;
  const reportOf = (numPassedTests: number, numFailedTests: number) => {
    const file = path.join(directory, 'report.json');
    writeFileSync(
      file,
      JSON.stringify({ numPassedTests, numFailedTests, numTotalTests: 9, testResults: [] }),
    );
    return file;
  };
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'sluice-figures-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('counts the tests of every suite', () => {
    const unit = readFigures(reportOf(40, 0), 0);
    const e2e = readFigures(reportOf(7, 2), 1);
    expect(addUp([unit, e2e, readFigures(undefined, 0)])).toEqual({ passed: 47, failed: 2 });
  });

  it.each([
    ['a failed check', () => readFigures(undefined, 1)],
    ['a suite whose set-up broke before any test', () => readFigures(reportOf(0, 0), 1)],
    ['a suite that left no report', () => readFigures(path.join(directory, 'none.json'), 1)],
    ['passed tests with an unhandled error beside them', () => readFigures(reportOf(5, 0), 1)],
  ])('does not say "0 failed" after %s', (_, figures) => {
    expect(figures().failed).toBe(1);
  });
});

describe('npm run check', () => {
  it('goes on after a failure, shows its output, and names it at the end', async () => {
    const lines: string[] = [];
    const failed = await runSteps(
      [
        { name: 'types', run: async () => ({ outcome: 'failed', output: 'a.ts:1 is wrong' }) },
        { name: 'broken step', run: () => Promise.reject(new Error('no such tool')) },
        { name: 'templates', run: async () => ({ outcome: 'skipped', reason: 'no Python' }) },
        { name: 'workflows', run: async () => ({ outcome: 'ok' }) },
      ],
      (text) => lines.push(text),
    );
    expect(failed).toEqual(['types', 'broken step']);
    const text = lines.join('\n');
    expect(text).toMatch(/FAILED\s+types .*\na\.ts:1 is wrong/);
    expect(text).toMatch(/no such tool/);
    expect(text).toMatch(/skipped\s+templates .*\(no Python\)/);
    expect(text).toMatch(/ok\s+workflows/);
  });
});
