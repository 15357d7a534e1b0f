import { readEnvironment } from '#platform/environment.ts';
import { serveTask } from '#platform/serve-task.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { shiftPorts } from '#rollout/adapters/rollout-ports.ts';
import { retireTargets } from '#rollout/retire.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const ports = shiftPorts(readEnvironment(releaseEnvironment));

export const handler = serveTask(rolloutTasks.RetireTargets)(async ({ releaseId }) => {
  await retireTargets(ports, releaseId);
  return { result: 'done' };
});
