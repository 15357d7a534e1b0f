import { readEnvironment } from '#platform/environment.ts';
import { serveTask } from '#platform/serve-task.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { shiftPorts } from '#rollout/adapters/rollout-ports.ts';
import { shiftToStage } from '#rollout/shift.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const ports = shiftPorts(readEnvironment(releaseEnvironment));

export const handler = serveTask(rolloutTasks.ShiftTraffic)(async ({ releaseId, fence, stage }) => {
  const result = await shiftToStage(ports, releaseId, fence, stage);
  return { result, shiftedAt: ports.now() };
});
