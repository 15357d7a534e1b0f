import type * as z from 'zod';
import {
  deploymentSchema,
  deploymentStatusSchema,
  pullRequestSchema,
  pushSchema,
  workflowRunSchema,
} from '#capture/github-payloads.ts';
import { type PathRules, touchedBy } from '#capture/path-rules.ts';
import { canonicalJson } from '#ledger/canonical.ts';
import type { RecordDraft } from '#ledger/record.ts';
import type { Actor } from '#platform/actor.ts';
import { parseOrRefuse } from '#platform/faults.ts';
import { environmentNameSchema } from '#platform/ids.ts';
import { shorten } from '#platform/text.ts';

/** A verified delivery. */
export interface Delivery {
  readonly id: string;
  /** `X-GitHub-Event`. */
  readonly kind: string;
  readonly payload: unknown;
  /** RFC 3339, UTC, milliseconds. */
  readonly receivedAt: string;
}

const TEXT_MAX = 250;
const LOGIN_MAX = 200;
const STATUS_MAX = 60;
/** Of a push's files so many are listed, while these bytes last; the count says how many there are. */
const FILES_MAX = 200;
const FILE_BYTES_MAX = 20_000;
/** A push lists so many commits at most. */
const COMMITS_LISTED = 2_048;

const text = (value: string): string => shorten(value, TEXT_MAX);
const optional = <K extends string>(key: K, value: string | null | undefined) =>
  value === null || value === undefined ? {} : { [key]: text(value) };

const actorOf = ({ login, type }: { readonly login: string; readonly type?: string | undefined }): Actor => ({
  login: shorten(login, LOGIN_MAX),
  kind: type === 'Bot' ? 'pipeline' : 'user',
  authenticated: true,
  via: 'github',
});

/**
 * When it happened by GitHub's own clock, because a delivery may be days late; when it was received where GitHub doesn't
 * say, or says what is yet to come.
 */
const happenedAt = (said: string | number | null | undefined, receivedAt: string): string => {
  const milliseconds = typeof said === 'number' ? said * 1_000 : Date.parse(said ?? '');
  if (Number.isNaN(milliseconds) || milliseconds < 0 || milliseconds > Date.parse(receivedAt))
    return receivedAt;
  return new Date(milliseconds).toISOString();
};

const listed = (files: readonly string[]): readonly string[] => {
  let bytes = 0;
  return files.slice(0, FILES_MAX).filter((file) => {
    // As it is stored: a control character in a name takes six bytes.
    bytes += Buffer.byteLength(canonicalJson(file));
    return bytes <= FILE_BYTES_MAX;
  });
};

/** An environment of theirs that can be one of ours is told as ours; whatever it is called, data has it as it is. */
const environmentOf = (name: string) => {
  const ours = environmentNameSchema.safeParse(name.toLowerCase());
  return ours.success ? { environment: ours.data } : {};
};

const isProduction = (name: string, said: boolean | undefined): boolean =>
  said === true || /^prod(uction)?$/i.test(name);

interface Mapped {
  readonly type: RecordDraft['event']['type'];
  readonly at: string | number | null | undefined;
  readonly change: RecordDraft['change'];
  readonly data: Readonly<Record<string, unknown>>;
  readonly high?: boolean;
}

type About = Pick<z.output<typeof deploymentSchema>, 'repository' | 'sender'>;

const mapPush = (push: z.output<typeof pushSchema>, rules: PathRules): Mapped => {
  const files = [
    ...new Set(push.commits.flatMap(({ added, removed, modified }) => [...added, ...removed, ...modified])),
  ]
    .filter((file) => file !== '')
    .toSorted();
  const touched = touchedBy(files, rules);
  return {
    type: touched.infrastructure ? 'change.infrastructure' : 'change.code',
    at: push.repository.pushed_at,
    high: touched.security || touched.production,
    change: {
      filesCount: files.length,
      files: listed(files.map((file) => shorten(file, 1_024))),
      ...(push.deleted ? { status: 'deleted' } : { commitSha: push.after }),
    },
    data: {
      ref: text(push.ref),
      before: push.before,
      forced: push.forced,
      commits: push.commits.length,
      touches: Object.entries(touched).flatMap(([what, is]) => (is ? [what] : [])),
      ...(push.commits.length >= COMMITS_LISTED && { filesIncomplete: true }),
    },
  };
};

const mapPullRequest = ({ action, number, pull_request }: z.output<typeof pullRequestSchema>): Mapped => {
  const { head, base, merged, merge_commit_sha, changed_files, commits, updated_at } = pull_request;
  const isMerged = action === 'closed' && merged === true;
  return {
    type: 'change.pull-request',
    at: updated_at,
    change: {
      status: isMerged ? 'merged' : shorten(action, STATUS_MAX),
      commitSha: (isMerged && merge_commit_sha) || head.sha,
      ...(changed_files !== undefined && { filesCount: changed_files }),
    },
    data: {
      number,
      action: text(action),
      headSha: head.sha,
      headRef: text(head.ref),
      baseRef: text(base.ref),
      ...(commits !== undefined && { commits }),
    },
  };
};

const mapWorkflowRun = ({ workflow_run: run }: z.output<typeof workflowRunSchema>): Mapped => {
  const started = Date.parse(run.run_started_at ?? '');
  const seconds = (Date.parse(run.updated_at) - started) / 1_000;
  return {
    type: 'workflow.execution',
    at: run.updated_at,
    change: { status: shorten(run.conclusion || 'completed', STATUS_MAX), commitSha: run.head_sha },
    data: {
      runId: String(run.id),
      runNumber: run.run_number,
      runAttempt: run.run_attempt,
      trigger: text(run.event),
      ...optional('workflow', run.name),
      ...optional('workflowPath', run.path),
      ...optional('branch', run.head_branch),
      ...optional('conclusion', run.conclusion),
      ...(seconds >= 0 && { durationSeconds: Math.round(seconds) }),
    },
  };
};

const mapDeployment = ({ deployment }: Pick<z.output<typeof deploymentSchema>, 'deployment'>): Mapped => ({
  type: 'deployment.requested',
  at: deployment.created_at,
  high: isProduction(deployment.environment, deployment.production_environment),
  change: { ...environmentOf(deployment.environment), commitSha: deployment.sha },
  data: {
    deploymentId: String(deployment.id),
    ref: text(deployment.ref),
    task: text(deployment.task),
    environment: text(deployment.environment),
  },
});

const mapDeploymentStatus = (payload: z.output<typeof deploymentStatusSchema>): Mapped => {
  const { deployment, deployment_status: status } = payload;
  const of = mapDeployment({
    deployment: { ...deployment, environment: status.environment || deployment.environment },
  });
  return {
    ...of,
    type: 'deployment.status',
    at: status.created_at,
    change: { ...of.change, status: shorten(status.state, STATUS_MAX) },
    data: { ...of.data, statusId: String(status.id), state: text(status.state) },
  };
};

/** What a payload of a kind means; `undefined` for what there is nothing to record of. */
const mapped = ({ kind, payload }: Delivery, rules: PathRules): (Mapped & About) | undefined => {
  const read = <S extends z.ZodType>(schema: S): z.output<S> =>
    parseOrRefuse(schema, payload, `the ${kind} delivery`);
  switch (kind) {
    case 'push': {
      const push = read(pushSchema);
      return { ...push, ...mapPush(push, rules) };
    }
    case 'pull_request': {
      const pull = read(pullRequestSchema);
      return { ...pull, ...mapPullRequest(pull) };
    }
    case 'workflow_run': {
      const run = read(workflowRunSchema);
      // Asked for and begun say nothing that the end does not.
      return run.action === 'completed' ? { ...run, ...mapWorkflowRun(run) } : undefined;
    }
    case 'deployment': {
      const deployment = read(deploymentSchema);
      return { ...deployment, ...mapDeployment(deployment) };
    }
    case 'deployment_status': {
      const status = read(deploymentStatusSchema);
      return { ...status, ...mapDeploymentStatus(status) };
    }
    default:
      return undefined;
  }
};

/**
 * The record of a delivery; `undefined` for kinds and actions that are not captured. Holds logins, paths, refs and
 * numbers, and nothing that people wrote.
 * @throws InvalidRequestError when a kind that is captured is not as GitHub documents it.
 */
export const recordOfDelivery = (delivery: Delivery, rules: PathRules): RecordDraft | undefined => {
  const found = mapped(delivery, rules);
  if (found === undefined) return undefined;
  const { type, at, change, data, high, repository, sender } = found;
  return {
    event: { type, timestamp: happenedAt(at, delivery.receivedAt) },
    change: { ...change, repository: shorten(repository.full_name, 200) },
    actor: actorOf(sender),
    ...(high === true && { compliance: { riskLevel: 'high' } }),
    data: { delivery: delivery.id, kind: delivery.kind, ...data },
  };
};
