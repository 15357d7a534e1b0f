import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf } from '#platform/digest.ts';
import { readEnvironment } from '#platform/environment.ts';
import { TransientError } from '#platform/errors.ts';
import { serveRoutes } from '#platform/serve-routes.ts';
import { requestRelease } from '#releases/request-release.ts';
import { abortAll } from '#rollout/abort-all.ts';
import { commandPorts } from '#rollout/adapters/command-ports.ts';
import { commandEnvironment } from '#rollout/environment.ts';
import { commandRoutes } from '#rollout/routes.ts';

const { restore, follow } = commandPorts(readEnvironment(commandEnvironment), requestRelease);

/** Of the function's 28 s, so that what could be restored is told even when one release hangs. */
const ABORT_ALL_SECONDS = 22;

const withinTime = async <T>(work: Promise<T>): Promise<T> => {
  const timer = new AbortController();
  const late = sleep(ABORT_ALL_SECONDS * 1_000, undefined, { signal: timer.signal }).then(() => {
    throw new TransientError(`no answer within ${ABORT_ALL_SECONDS} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    late.catch(() => undefined);
    timer.abort();
  }
};

/** An abort restores before it answers: whoever aborts is told where traffic is, not that somebody will look into it. */
export const handler = serveRoutes(commandRoutes)({
  commandRelease: async ({ params: { releaseId }, body, caller, idempotencyKey, requestId }) => {
    const { command, reason } = body;
    const by = caller.actor;
    const key = digestOf([by.login, idempotencyKey ?? requestId]);
    const obeyed = await follow({ name: command, releaseId, reason, by, key, at: restore.now() });
    return { status: 202, body: { releaseId, command, ...obeyed } };
  },
  abortAll: async ({ params: { environment }, body: { reason }, caller, idempotencyKey, requestId }) => {
    const by = caller.actor;
    const key = digestOf([by.login, idempotencyKey ?? requestId]);
    const body = await abortAll(
      { ...restore, withinTime },
      { environment, reason, by, key, at: restore.now() },
    );
    return { status: body.complete ? 200 : 207, body };
  },
});
