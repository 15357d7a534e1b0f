import { cloudWatch } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { serveTask } from '#platform/serve-task.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { readyWaves } from '#releases/ready-wave.ts';
import { stepsOf } from '#releases/step.ts';
import { cloudWatchAlarms } from '#rollout/adapters/cloudwatch-alarms.ts';
import { metricSource, shiftPorts } from '#rollout/adapters/rollout-ports.ts';
import { metricEnvironment, targetListsEnvironment } from '#rollout/environment.ts';
import { permittedTargets } from '#rollout/permitted-targets.ts';
import { takeSnapshots } from '#rollout/snapshot.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const environment = readEnvironment({
  ...releaseEnvironment,
  ...metricEnvironment,
  ...targetListsEnvironment,
});
const forward = shiftPorts(environment);
const ports = {
  ...forward,
  shifter: permittedTargets(forward.shifter, { albRules: environment.ALB_RULES }),
  source: metricSource(environment),
  alarms: cloudWatchAlarms(cloudWatch()),
};

export const handler = serveTask(rolloutTasks.TakeSnapshot)(async ({ releaseId, fence }) => {
  const { release, snapshots } = await takeSnapshots(ports, releaseId, fence);
  const { service, environment, version, attempt } = release;
  const waves = readyWaves({ waves: release.waves, snapshots: [...snapshots] }) ?? [];
  return {
    steps: stepsOf(release).length,
    carried: {
      subject: { releaseId, service, environment, version, attempt },
      waves: waves.map(({ name, target, snapshot: { stableVersion } }) => ({ name, target, stableVersion })),
    },
  };
});
