/** Payloads as GitHub sends them, with what people wrote in them; `over` replaces members of the outermost object. */
type Payload = Readonly<Record<string, unknown>>;

export const COMMIT = '6dcb09b5b57875f334f61aebed695e2e4193db5e';
const BEFORE = 'f95f852bd8fca8fcc58a9a2d6c842781e32a215e';

/** What no record may hold. */
export const PERSONAL = [
  'Ann Example',
  'ann@example.com',
  'a message that somebody wrote',
  'gravatar',
] as const;

const about = {
  repository: {
    id: 1_296_269,
    full_name: 'acme/checkout',
    private: true,
    owner: { login: 'acme', email: PERSONAL[1] },
    pushed_at: 1_767_607_200,
  },
  sender: { login: 'ann', id: 1, type: 'User', avatar_url: `https://${PERSONAL[3]}.example/1` },
};

export const pushPayload = (files: readonly string[] = ['src/cart.ts'], over: Payload = {}): Payload => ({
  ...about,
  ref: 'refs/heads/main',
  before: BEFORE,
  after: COMMIT,
  created: false,
  deleted: false,
  forced: false,
  pusher: { name: PERSONAL[0], email: PERSONAL[1] },
  commits: [
    {
      id: COMMIT,
      message: PERSONAL[2],
      author: { name: PERSONAL[0], email: PERSONAL[1] },
      added: [],
      removed: [],
      modified: [...files],
    },
  ],
  ...over,
});

export const pullRequestPayload = (action: string, over: Payload = {}): Payload => ({
  ...about,
  action,
  number: 7,
  pull_request: {
    title: PERSONAL[2],
    body: PERSONAL[2],
    head: { sha: COMMIT, ref: 'feature' },
    base: { sha: BEFORE, ref: 'main' },
    merged: false,
    merge_commit_sha: null,
    changed_files: 5,
    commits: 2,
    updated_at: '2026-01-05T10:00:00Z',
    ...over,
  },
});

export const workflowRunPayload = (action: string, over: Payload = {}): Payload => ({
  ...about,
  action,
  workflow_run: {
    id: 30_433_642_001,
    name: 'Deploy',
    path: '.github/workflows/deploy.yml',
    display_title: PERSONAL[2],
    event: 'push',
    run_number: 12,
    run_attempt: 1,
    status: 'completed',
    conclusion: 'success',
    head_sha: COMMIT,
    head_branch: 'main',
    head_commit: { message: PERSONAL[2], author: { email: PERSONAL[1] } },
    run_started_at: '2026-01-05T10:00:00Z',
    updated_at: '2026-01-05T10:03:20Z',
    ...over,
  },
});

export const deploymentPayload = (over: Payload = {}): Payload => ({
  ...about,
  action: 'created',
  deployment: {
    id: 42,
    sha: COMMIT,
    ref: 'main',
    task: 'deploy',
    environment: 'production',
    description: PERSONAL[2],
    created_at: '2026-01-05T10:00:00Z',
    ...over,
  },
});

export const deploymentStatusPayload = (state: string, over: Payload = {}): Payload => ({
  ...deploymentPayload(over),
  deployment_status: {
    id: 43,
    state,
    description: PERSONAL[2],
    created_at: '2026-01-05T10:05:00Z',
  },
});
