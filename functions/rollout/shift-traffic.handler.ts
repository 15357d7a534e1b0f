import { readEnvironment } from '#platform/environment.ts';
import { serveTask } from '#platform/serve-task.ts';
import { logger } from '#platform/telemetry.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { shiftPorts } from '#rollout/adapters/rollout-ports.ts';
import { shiftToStep } from '#rollout/shift.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const ports = shiftPorts(readEnvironment(releaseEnvironment));

export const handler = serveTask(rolloutTasks.ShiftTraffic)(async (input) => {
  const { releaseId, fence, step, preparingSince } = input;
  const since = preparingSince === null ? undefined : Date.parse(preparingSince);
  const result = await shiftToStep(ports, releaseId, fence, step, since);
  const shiftedAt = ports.now();
  if (typeof result === 'string') return { result, shiftedAt, preparingSince };
  logger.info('waiting before a shift', { releaseId, step, waitingFor: result.waitingFor });
  return { result: 'waiting', shiftedAt, preparingSince: preparingSince ?? shiftedAt };
});
