import { readEnvironment } from '#platform/environment.ts';
import { METRIC } from '#platform/metric-names.ts';
import { serveTask } from '#platform/serve-task.ts';
import { metrics } from '#platform/telemetry.ts';
import { restorePorts } from '#rollout/adapters/rollout-ports.ts';
import { restoreEnvironment } from '#rollout/environment.ts';
import { restoreTraffic } from '#rollout/restore.ts';
import { reasonsOf } from '#rollout/restore-cause.ts';
import { rolloutTasks } from '#rollout/tasks.ts';

const ports = restorePorts(readEnvironment(restoreEnvironment));

export const handler = serveTask(rolloutTasks.RestoreTraffic)(async ({ releaseId, cause, carried }) => {
  const began = Date.now();
  try {
    const { kind } = await restoreTraffic(ports, {
      releaseId,
      cause: reasonsOf(cause),
      ...(carried && { carried }),
    });
    if (kind === 'restored')
      metrics.addMetric(METRIC.restoreMilliseconds, 'Milliseconds', Date.now() - began);
    return { kind };
  } catch (error) {
    metrics.addMetric(METRIC.restoreFailed, 'Count', 1);
    throw error;
  }
});
