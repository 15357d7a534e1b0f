import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { recordOfDelivery } from '#capture/github-delivery.ts';
import { EMPTY_LEDGER, linkRecords } from '#ledger/chain.ts';
import { recordDraftSchema } from '#ledger/record.ts';
import { appendBatchSchema } from '#ledger/tasks.ts';
import { InvalidRequestError } from '#platform/errors.ts';
import {
  COMMIT,
  deploymentPayload,
  deploymentStatusPayload,
  PERSONAL,
  pullRequestPayload,
  pushPayload,
  workflowRunPayload,
} from '../builders/github.ts';
import { aSalt } from '../ledger/drafts.ts';

const RULES = {
  infrastructure: ['terraform/', 'infra/', 'environments/'],
  security: ['iam/', 'iam.tf', 'CODEOWNERS'],
};
const ID = '72d3162e-cc78-11e3-81ab-4c9367dc0958';
const RECEIVED = '2026-01-05T12:00:00.000Z';

const recordOf = (kind: string, payload: unknown) =>
  recordOfDelivery({ id: ID, kind, payload, receivedAt: RECEIVED }, RULES);

/** As append-records would write it. */
const written = (kind: string, payload: unknown) => {
  const draft = recordDraftSchema.parse(JSON.parse(JSON.stringify(recordOf(kind, payload))));
  const [linked] = linkRecords(EMPTY_LEDGER, [draft], {
    newSalt: aSalt,
    ids: ['01JGXQ00000000000000000000'],
  }).records;
  return linked?.record ?? expect.fail('no record');
};

const CAPTURED = [
  ['push', pushPayload()],
  ['pull_request', pullRequestPayload('opened')],
  ['workflow_run', workflowRunPayload('completed')],
  ['deployment', deploymentPayload()],
  ['deployment_status', deploymentStatusPayload('success')],
] as const;

describe('every delivery that is captured', () => {
  it.each(CAPTURED)('names its repository, its commit and who did it: %s', (kind, payload) => {
    expect(written(kind, payload)).toMatchObject({
      change: { repository: 'acme/checkout', commitSha: COMMIT },
      actor: { login: 'ann', kind: 'user', authenticated: true, via: 'github' },
      data: { delivery: ID, kind },
    });
  });

  it.each(CAPTURED)('keeps nothing that people wrote, and no address of theirs: %s', (kind, payload) => {
    const text = JSON.stringify(written(kind, payload));
    for (const personal of PERSONAL) expect(text).not.toContain(personal);
  });

  it.each(CAPTURED)('is refused when a part that counts is missing or wrong: %s', (kind, payload) => {
    for (const missing of ['repository', 'sender', kind === 'push' ? 'after' : kind]) {
      const { [missing]: _, ...rest } = payload;
      expect(() => recordOf(kind, rest), missing).toThrow(InvalidRequestError);
    }
    for (const nothing of [null, [], 'text', 7])
      expect(() => recordOf(kind, nothing)).toThrow(InvalidRequestError);
  });

  it('is one that the ledger takes, whatever the sender put into its texts', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1 }),
      fc.string({ minLength: 1, maxLength: 300 }),
    );
    fc.assert(
      fc.property(text, text, fc.array(text, { maxLength: 30 }), (login, name, files) => {
        const about = { repository: { full_name: name }, sender: { login } };
        const records = [
          recordOf('push', { ...pushPayload(files), ref: name, ...about }),
          recordOf('pull_request', { ...pullRequestPayload(name), ...about }),
          recordOf('workflow_run', {
            ...workflowRunPayload('completed', { name, conclusion: login }),
            ...about,
          }),
          recordOf('deployment', { ...deploymentPayload({ environment: name, ref: login }), ...about }),
          recordOf('deployment_status', { ...deploymentStatusPayload(name), ...about }),
        ];
        const batch = JSON.parse(JSON.stringify({ batchId: `github/${ID}`, records }));
        const parsed = appendBatchSchema.safeParse(batch);
        expect(parsed.error).toBeUndefined();
        if (parsed.success)
          linkRecords(EMPTY_LEDGER, parsed.data.records, {
            newSalt: aSalt,
            ids: records.map(() => '01JGXQ00000000000000000000'),
          });
      }),
      { numRuns: 40 },
    );
  });

  it('happened when GitHub says, unless that is no time or yet to come', () => {
    const at = (updated_at: unknown) =>
      written('pull_request', pullRequestPayload('opened', { updated_at })).event;
    expect(at('2026-01-05T11:00:00+01:00').timestamp).toBe('2026-01-05T10:00:00.000Z');
    for (const wrong of ['2026-01-05T12:00:01Z', 'yesterday', '']) expect(at(wrong).timestamp).toBe(RECEIVED);
    expect(written('push', pushPayload()).event.timestamp).toBe('2026-01-05T10:00:00.000Z');
  });

  it('is by a pipeline when a bot did it', () => {
    const payload = { ...pushPayload(), sender: { login: 'renovate[bot]', type: 'Bot' } };
    expect(written('push', payload).actor).toMatchObject({ login: 'renovate[bot]', kind: 'pipeline' });
  });
});

describe('a push', () => {
  it.each([
    ['src/cart.ts', 'change.code', 'low'],
    ['infra/main.tf', 'change.infrastructure', 'medium'],
    ['services/cart/terraform/main.tf', 'change.infrastructure', 'medium'],
    ['src/infrastructure.ts', 'change.code', 'low'],
    ['my-infra/main.tf', 'change.code', 'low'],
    ['infra', 'change.code', 'low'],
    ['environments/production/app.yaml', 'change.infrastructure', 'high'],
    ['environments/staging/app.yaml', 'change.infrastructure', 'medium'],
    ['src/production/readme.md', 'change.code', 'low'],
    ['terraform/iam.tf', 'change.infrastructure', 'high'],
    ['iam/roles.json', 'change.code', 'high'],
    ['.github/CODEOWNERS', 'change.code', 'high'],
    ['src/miriam.tf', 'change.code', 'low'],
  ])('of %s is %s of %s risk', (file, type, riskLevel) => {
    const record = written('push', pushPayload([file, 'README.md']));
    expect(record).toMatchObject({ event: { type }, compliance: { riskLevel }, change: { filesCount: 2 } });
  });

  it('counts each file once, whatever was done to it, and lists what fits', () => {
    const many = Array.from(
      { length: 3_000 },
      (_, n) => `src/${String(n).padStart(5, '0')}/${'x'.repeat(200)}`,
    );
    const commits = [
      { added: many, removed: ['gone'], modified: [] },
      { added: [], removed: [], modified: many },
    ];
    const { change } = written('push', pushPayload([], { commits }));
    expect(change.filesCount).toBe(3_001);
    expect(change.files?.length).toBeGreaterThan(50);
    expect(change.files?.length).toBeLessThan(201);
  });

  it('lists no more than the ledger takes, however long the names are that are stored', () => {
    for (const unit of ['\u0001', '"', '\\', 'ü', '𝒳'])
      written('push', pushPayload(Array.from({ length: 200 }, (_, n) => `${n}${unit.repeat(500)}`)));
  });

  it('says when GitHub listed no more of its commits', () => {
    const commits = Array.from({ length: 2_048 }, () => ({}));
    expect(written('push', pushPayload([], { commits })).data).toMatchObject({
      commits: 2_048,
      filesIncomplete: true,
    });
  });

  it('that deletes a branch has no commit', () => {
    const record = written('push', pushPayload([], { deleted: true, after: '0'.repeat(40), commits: [] }));
    expect(record.change).toMatchObject({ status: 'deleted', filesCount: 0 });
    expect(record.change.commitSha).toBeUndefined();
  });
});

describe('a pull request', () => {
  it('is told with what became of it', () => {
    expect(written('pull_request', pullRequestPayload('closed')).change.status).toBe('closed');
    const merged = pullRequestPayload('closed', { merged: true, merge_commit_sha: 'a'.repeat(40) });
    expect(written('pull_request', merged)).toMatchObject({
      event: { type: 'change.pull-request' },
      change: { status: 'merged', commitSha: 'a'.repeat(40), filesCount: 5 },
      data: { number: 7, headSha: COMMIT, baseRef: 'main' },
    });
  });
});

describe('a workflow run', () => {
  it('is told once it ended, with its conclusion and how long it took', () => {
    for (const action of ['requested', 'in_progress'])
      expect(recordOf('workflow_run', workflowRunPayload(action))).toBeUndefined();
    expect(written('workflow_run', workflowRunPayload('completed', { conclusion: 'failure' }))).toMatchObject(
      {
        event: { type: 'workflow.execution' },
        change: { status: 'failure' },
        data: { runId: '30433642001', runAttempt: 1, conclusion: 'failure', durationSeconds: 200 },
      },
    );
  });
});

describe('a deployment', () => {
  it.each([
    ['production', 'production', 'high'],
    ['Production', 'production', 'high'],
    ['prod', 'prod', 'high'],
    ['staging', 'staging', 'low'],
    ['Preview #12', undefined, 'low'],
  ])('to %s is of the environment %s and of %s risk', (name, environment, riskLevel) => {
    const record = written('deployment', deploymentPayload({ environment: name }));
    expect(record).toMatchObject({
      compliance: { riskLevel },
      data: { environment: name, deploymentId: '42' },
    });
    expect(record.change.environment).toBe(environment);
  });

  it('to what its repository calls production is of high risk', () => {
    const payload = deploymentPayload({ environment: 'live', production_environment: true });
    expect(written('deployment', payload).compliance.riskLevel).toBe('high');
  });

  it('is told with each of its states', () => {
    expect(written('deployment_status', deploymentStatusPayload('failure'))).toMatchObject({
      event: { type: 'deployment.status', timestamp: '2026-01-05T10:05:00.000Z' },
      change: { status: 'failure', environment: 'production' },
      data: { statusId: '43', deploymentId: '42', state: 'failure' },
    });
  });
});

it.each(['ping', 'star', 'issue_comment', '__proto__', 'constructor'])('nothing is made of a %s', (kind) => {
  expect(recordOf(kind, pushPayload())).toBeUndefined();
});
