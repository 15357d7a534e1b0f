import { readEnvironment } from '#platform/environment.ts';
import { serveTask } from '#platform/serve-task.ts';
import { logger } from '#platform/telemetry.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { shiftPorts } from '#rollout/adapters/rollout-ports.ts';
import { promoteVersion } from '#rollout/shift.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const ports = shiftPorts(readEnvironment(releaseEnvironment));

export const handler = serveTask(rolloutTasks.PromoteVersion)(async (input) => {
  const { releaseId, fence, preparingSince } = input;
  const since = preparingSince === null ? undefined : Date.parse(preparingSince);
  const result = await promoteVersion(ports, releaseId, fence, since);
  if (typeof result === 'string') return { result, preparingSince };
  logger.info('waiting before a promotion', { releaseId, waitingFor: result.waitingFor });
  return { result: 'waiting', preparingSince: preparingSince ?? ports.now() };
});
