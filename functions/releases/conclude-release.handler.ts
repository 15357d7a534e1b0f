import { readEnvironment } from '#platform/environment.ts';
import { METRIC } from '#platform/metric-names.ts';
import { serveTask } from '#platform/serve-task.ts';
import { metrics } from '#platform/telemetry.ts';
import { releasePorts } from '#releases/adapters/release-ports.ts';
import { concludeRelease } from '#releases/conclude.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { releaseTasks } from '#releases/tasks.ts';

const ports = releasePorts(readEnvironment(releaseEnvironment));

const COUNTED = {
  promoted: METRIC.releasePromoted,
  'rolled-back': METRIC.releaseRolledBack,
  completed: METRIC.releaseCompleted,
  aborted: METRIC.releaseAborted,
  refused: METRIC.releaseRefused,
} as const;

export const handler = serveTask(releaseTasks.ConcludeRelease)(async ({ releaseId, wanted }) => {
  const { outcome } = await concludeRelease(ports, releaseId, wanted);
  if (outcome === undefined) throw new Error(`release ${releaseId} was concluded without an outcome`);
  metrics.addMetric(COUNTED[outcome], 'Count', 1);
  return { outcome };
});
