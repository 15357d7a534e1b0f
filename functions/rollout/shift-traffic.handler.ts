import { readEnvironment } from '#platform/environment.ts';
import { serveTask } from '#platform/serve-task.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { shiftPorts } from '#rollout/adapters/rollout-ports.ts';
import { shiftToStep } from '#rollout/shift.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const ports = shiftPorts(readEnvironment(releaseEnvironment));

export const handler = serveTask(rolloutTasks.ShiftTraffic)(async ({ releaseId, fence, step }) => {
  const result = await shiftToStep(ports, releaseId, fence, step);
  return { result, shiftedAt: ports.now() };
});
