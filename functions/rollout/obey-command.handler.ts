import { readEnvironment } from '#platform/environment.ts';
import { ConflictError } from '#platform/errors.ts';
import { serveRoutes } from '#platform/serve-routes.ts';
import { restorePorts } from '#rollout/adapters/rollout-ports.ts';
import { restoreEnvironment } from '#rollout/environment.ts';
import { restoreTraffic } from '#rollout/restore.ts';
import { commandRoutes } from '#rollout/routes.ts';

const ports = restorePorts(readEnvironment(restoreEnvironment));

/** Restores before it answers: whoever aborts is told where traffic is, not that somebody will look into it. */
export const handler = serveRoutes(commandRoutes)({
  commandRelease: async ({ params: { releaseId }, body: { command, reason }, caller }) => {
    const { login } = caller.actor;
    const result = await restoreTraffic(ports, {
      releaseId,
      cause: [{ code: 'operator-abort', text: `aborted by ${login}: ${reason}` }],
      abortedBy: caller.actor,
    });
    if (result.kind === 'done')
      throw new ConflictError(`release ${releaseId} has ended; there is nothing to abort`);
    return { status: 202, body: { releaseId, command, traffic: result.kind } };
  },
});
