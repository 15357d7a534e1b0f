import { readEnvironment } from '#platform/environment.ts';
import { serveTask } from '#platform/serve-task.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { metricSource, shiftPorts } from '#rollout/adapters/rollout-ports.ts';
import { takeSnapshot } from '#rollout/snapshot.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const ports = { ...shiftPorts(readEnvironment(releaseEnvironment)), source: metricSource() };

export const handler = serveTask(rolloutTasks.TakeSnapshot)(async ({ releaseId, fence }) => {
  const { release, snapshot } = await takeSnapshot(ports, releaseId, fence);
  const { service, environment, version, attempt, target, plan } = release;
  return {
    stages: plan.stages.length,
    carried: { subject: { releaseId, service, environment, version, attempt }, target, snapshot },
  };
});
