import { digestOf } from '#platform/digest.ts';
import { readEnvironment } from '#platform/environment.ts';
import { serveRoutes } from '#platform/serve-routes.ts';
import { restorePorts } from '#rollout/adapters/rollout-ports.ts';
import { obey } from '#rollout/command.ts';
import { restoreEnvironment } from '#rollout/environment.ts';
import { commandRoutes } from '#rollout/routes.ts';

const ports = restorePorts(readEnvironment(restoreEnvironment));

/** An abort restores before it answers: whoever aborts is told where traffic is, not that somebody will look into it. */
export const handler = serveRoutes(commandRoutes)({
  commandRelease: async ({ params: { releaseId }, body, caller, idempotencyKey, requestId }) => {
    const { command, reason } = body;
    const by = caller.actor;
    const key = digestOf([by.login, idempotencyKey ?? requestId]);
    const obeyed = await obey(ports, { name: command, releaseId, reason, by, key, at: ports.now() });
    return { status: 202, body: { releaseId, command, ...obeyed } };
  },
});
