import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import type { Context } from 'aws-lambda';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { releaseKey } from '#releases/keys.ts';
import type { Release } from '#releases/release.ts';
import { aRelease, NOW, releaseIdOf } from '../builders/release.ts';
import { releasesAws } from '../fakes/releases-aws.ts';

const EXECUTIONS = 'arn:aws:states:eu-central-1:1:execution';

for (const [name, value] of Object.entries({
  POWERTOOLS_DEV: 'true',
  POWERTOOLS_SERVICE_NAME: 'recover-release',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  POWERTOOLS_METRICS_DISABLED: 'true',
  AWS_REGION: 'eu-central-1',
  RELEASES_TABLE: 'releases',
  LEDGER_WRITER_ARN: 'arn:aws:lambda:eu-central-1:1:function:append-records',
  RELEASE_WORKFLOW_ARN: 'arn:aws:states:eu-central-1:1:stateMachine:release',
  RECOVERY_WORKFLOW_ARN: 'arn:aws:states:eu-central-1:1:stateMachine:recovery',
  START_GRACE_SECONDS: '60',
}))
  vi.stubEnv(name, value);
const { handler } = await import('#releases/recover-release.handler.ts');

const sweep = (event: unknown = {}) => handler(event, { awsRequestId: 'r-1' } as Context);

let aws: ReturnType<typeof releasesAws>;
/** A started, open release whose workflow has this status. */
const open = (number: number, status: string, overrides: Partial<Release> = {}) => {
  const release = aRelease({ releaseId: releaseIdOf(number), startedAt: NOW, ...overrides });
  aws.put({ ...releaseKey(release.releaseId), ...release, open: 'OPEN', all: 'RELEASE' });
  aws.executions.set(`${EXECUTIONS}:release:${release.releaseId}-1`, status);
  return release.releaseId;
};
const recoveries = () => [...aws.executions.keys()].filter((arn) => arn.includes(':recovery:'));

beforeEach(() => {
  aws = releasesAws();
});

describe('the recovery function', () => {
  it('has nothing to do while every workflow runs', async () => {
    open(1, 'RUNNING');
    open(2, 'PENDING_REDRIVE');
    await sweep();
    expect(recoveries()).toEqual([]);
    expect(aws.ledger.records).toEqual([]);
  });

  it('looks at every open release, whatever woke it', async () => {
    const gone = [open(1, 'FAILED'), open(2, 'TIMED_OUT'), open(3, 'ABORTED')];
    open(4, 'RUNNING');
    await sweep({ source: 'aws.states', detail: { executionArn: 'any' } });
    expect(recoveries()).toEqual(gone.map((id) => `${EXECUTIONS}:recovery:${id}-1-recovery-1`));
    expect(aws.ledger.records.map(({ data }) => data.releaseId)).toEqual(gone);
  });

  it("is not kept from the others by one release's trouble, and fails, so that it is seen and tried again", async () => {
    const [first, second, third] = [open(1, 'FAILED'), open(2, 'FAILED'), open(3, 'FAILED')];
    const executionArn = `${EXECUTIONS}:release:${second}-1`;
    aws.sfn.on(DescribeExecutionCommand, { executionArn }).rejects(new Error('broken'));
    await expect(sweep()).rejects.toThrow('1 releases were not recovered');
    expect(recoveries().map((arn) => arn.split(':').at(-1))).toEqual([
      `${first}-1-recovery-1`,
      `${third}-1-recovery-1`,
    ]);
  });
});
