import { cloudWatch, parameterStore } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { perRegion } from '#platform/per-region.ts';
import { serveTask } from '#platform/serve-task.ts';
import { logger } from '#platform/telemetry.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { stepsOf } from '#releases/step.ts';
import { cloudWatchAlarms } from '#rollout/adapters/cloudwatch-alarms.ts';
import { metricSource, shiftPorts } from '#rollout/adapters/rollout-ports.ts';
import { ssmRescueCopies } from '#rollout/adapters/ssm-rescue-copies.ts';
import {
  metricEnvironment,
  rescueEnvironment,
  targetListsEnvironment,
  targetListsOf,
} from '#rollout/environment.ts';
import { hooksAt } from '#rollout/hooks.ts';
import { permittedTargets } from '#rollout/permitted-targets.ts';
import { carriedOf, takeSnapshots } from '#rollout/snapshot.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const environment = readEnvironment({
  ...releaseEnvironment,
  ...metricEnvironment,
  ...targetListsEnvironment,
  ...rescueEnvironment,
});
const forward = shiftPorts(environment);
const ports = {
  ...forward,
  shifter: permittedTargets(forward.shifter, targetListsOf(environment)),
  source: metricSource(environment),
  alarms: cloudWatchAlarms(cloudWatch()),
  rescue: ssmRescueCopies(perRegion(parameterStore), {
    prefix: environment.RESCUE_PREFIX,
    region: environment.AWS_REGION,
  }),
  onTrouble: (what: string, error: unknown) => logger.error(what, { error }),
};

export const handler = serveTask(rolloutTasks.TakeSnapshot)(async ({ releaseId, fence }) => {
  const { release, snapshots } = await takeSnapshots(ports, releaseId, fence);
  return {
    steps: stepsOf(release).length,
    carried: carriedOf(release, snapshots),
    hooksBefore: hooksAt(release, 'before-traffic').length > 0,
    hooksAfter: hooksAt(release, 'after-promotion').length > 0,
  };
});
