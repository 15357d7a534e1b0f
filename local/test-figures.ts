import { readFileSync } from 'node:fs';
import * as z from 'zod';

export interface Figures {
  readonly passed: number;
  readonly failed: number;
}

const vitestReportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
});

/**
 * How many tests of a step passed and failed. A step that failed without a failed test (a check, a suite whose set-up broke, no
 * report at all) counts as one failure, so that the last line never says "0 failed" beside a non-zero exit.
 * @param reportFile of vitest's JSON reporter; undefined for a step that has no tests
 */
export function readFigures(reportFile: string | undefined, exitCode: number): Figures {
  const { passed, failed } = reportFile === undefined ? NOTHING : parseReport(reportFile);
  return { passed, failed: exitCode === 0 ? failed : Math.max(failed, 1) };
}

export function addUp(all: readonly Figures[]): Figures {
  return {
    passed: all.reduce((sum, { passed }) => sum + passed, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
  };
}

const NOTHING: Figures = { passed: 0, failed: 0 };

function parseReport(file: string): Figures {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return NOTHING;
  }
  const { numPassedTests, numFailedTests } = vitestReportSchema.parse(JSON.parse(text));
  return { passed: numPassedTests, failed: numFailedTests };
}
