import * as z from 'zod';

/**
 * What of GitHub's payloads is read, as its documentation has it ("Webhook events and payloads"); the rest, with names,
 * mail addresses, titles and messages of people, is not looked at.
 */
const repository = z.object({
  full_name: z.string().min(1),
  pushed_at: z.union([z.number(), z.string()]).nullish(),
});
const sender = z.object({ login: z.string().min(1), type: z.string().optional() });
const about = { repository, sender };

const sha = z.string().regex(/^[0-9a-f]{40,64}$/);
const paths = z.array(z.string()).default([]);

export const pushSchema = z.object({
  ...about,
  ref: z.string(),
  before: sha,
  after: sha,
  deleted: z.boolean().default(false),
  forced: z.boolean().default(false),
  commits: z.array(z.object({ added: paths, removed: paths, modified: paths })).default([]),
});

export const pullRequestSchema = z.object({
  ...about,
  action: z.string().min(1),
  number: z.int(),
  pull_request: z.object({
    head: z.object({ sha, ref: z.string() }),
    base: z.object({ ref: z.string() }),
    merged: z.boolean().nullish(),
    merge_commit_sha: sha.nullish(),
    changed_files: z.int().min(0).optional(),
    commits: z.int().min(0).optional(),
    updated_at: z.string(),
  }),
});

export const workflowRunSchema = z.object({
  ...about,
  action: z.string(),
  workflow_run: z.object({
    id: z.int(),
    name: z.string().nullish(),
    path: z.string().nullish(),
    event: z.string(),
    run_number: z.int(),
    run_attempt: z.int().default(1),
    conclusion: z.string().nullish(),
    head_sha: sha,
    head_branch: z.string().nullish(),
    run_started_at: z.string().nullish(),
    updated_at: z.string(),
  }),
});

const deployment = z.object({
  id: z.int(),
  sha,
  ref: z.string(),
  task: z.string(),
  environment: z.string(),
  production_environment: z.boolean().optional(),
  created_at: z.string(),
});

export const deploymentSchema = z.object({ ...about, deployment });

export const deploymentStatusSchema = z.object({
  ...about,
  deployment,
  deployment_status: z.object({
    id: z.int(),
    state: z.string().min(1),
    environment: z.string().optional(),
    created_at: z.string(),
  }),
});
