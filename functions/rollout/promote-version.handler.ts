import { readEnvironment } from '#platform/environment.ts';
import { serveTask } from '#platform/serve-task.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { shiftPorts } from '#rollout/adapters/rollout-ports.ts';
import { promoteVersion } from '#rollout/shift.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const ports = shiftPorts(readEnvironment(releaseEnvironment));

export const handler = serveTask(rolloutTasks.PromoteVersion)(async ({ releaseId, fence }) => ({
  result: await promoteVersion(ports, releaseId, fence),
}));
