import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { timelineOf } from '../../cli/timeline.ts';
import type { LedgerRecord } from '../../functions/ledger/record.ts';
import { VARIANTS } from '../../local/demo/checkout.ts';
import { createService, ended, getRelease, operator, type TestService } from './harness.ts';

const REPOSITORY = path.resolve(import.meta.dirname, '..', '..');
const directory = mkdtempSync(path.join(tmpdir(), 'sluice-replay-'));
afterAll(() => rmSync(directory, { recursive: true }));

const fileOf = (name: string, content: unknown): string => {
  const file = path.join(directory, name);
  writeFileSync(file, JSON.stringify(content));
  return file;
};

interface Answer {
  readonly at: string;
  readonly verdict: string;
  readonly score?: number;
  readonly evidence: { readonly lnE: number; readonly tests: readonly unknown[] };
}

/** What `sluice judge` says, by time, of a release's records, under the plan and the policy that the release carries. */
const judgedAgain = (
  records: readonly LedgerRecord[],
  { plan: { name: _, ...plan }, judge }: Awaited<ReturnType<typeof getRelease>>,
): readonly Answer[] => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      path.join(REPOSITORY, 'cli', 'sluice.ts'),
      ...[
        'judge',
        '--records',
        '--plan',
        fileOf('plan.json', plan),
        '--policy',
        fileOf('policy.json', judge),
      ],
    ],
    { input: records.map((record) => JSON.stringify(record)).join('\n'), encoding: 'utf8' },
  );
  expect([status, stderr]).toEqual([0, '']);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
};

describe('a release that was judged by the stack', () => {
  let service: TestService;
  beforeAll(async () => {
    service = await createService();
  });
  afterAll(() => service.stop());

  const ENDS = { good: 'release.promoted', failing: 'release.rolled-back' } as const;
  const decisions = {
    'release.stage.promoted': 'promote',
    'release.look.decided': 'rollback',
  } as const;

  it.each(['good', 'failing'] as const)(
    'gets the same verdicts offline, from its records: %s',
    async (variant) => {
      const releaseId = await service.request(VARIANTS[variant].version);
      const end = await ended(releaseId);
      expect(end.event.type, JSON.stringify(end.data)).toBe(ENDS[variant]);
      const records = await timelineOf(operator, releaseId);
      const answers = judgedAgain(records, await getRelease(releaseId));
      const decided = records.filter(({ event }) => event.type in decisions);
      expect(decided.length).toBeGreaterThan(0);
      for (const { event, data } of decided) {
        const answer = answers.findLast(({ at }) => at === event.timestamp);
        expect(answer?.verdict).toBe(decisions[event.type as keyof typeof decisions]);
        expect(data).toMatchObject({
          evidence: { lnE: answer?.evidence.lnE, tests: answer?.evidence.tests },
          ...(answer?.score !== undefined && { score: answer.score }),
        });
      }
    },
  );
});
