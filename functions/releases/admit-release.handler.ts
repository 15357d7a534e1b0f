import { systemActor } from '#platform/actor.ts';
import { readEnvironment } from '#platform/environment.ts';
import { NotFoundError } from '#platform/errors.ts';
import { METRIC } from '#platform/metric-names.ts';
import { serveTask } from '#platform/serve-task.ts';
import { metrics } from '#platform/telemetry.ts';
import { releasePorts } from '#releases/adapters/release-ports.ts';
import { releaseEnvironment } from '#releases/environment.ts';
import { batchId, releaseRecord } from '#releases/release-records.ts';
import { stepsOf } from '#releases/step.ts';
import { releaseTasks } from '#releases/tasks.ts';

const { releases, ledger, now } = releasePorts(readEnvironment(releaseEnvironment));

/** The workflow's first step: the release as it is now decides whether there is anything to roll out. */
export const handler = serveTask(releaseTasks.AdmitRelease)(async ({ releaseId }) => {
  const release = await releases.get(releaseId);
  if (release === undefined) throw new NotFoundError(`there is no release ${releaseId}`);
  if (release.mode !== 'forward') return { go: 'back' };
  await ledger.append(batchId(release, 'started'), [
    releaseRecord('release.started', release, systemActor('admit-release'), now(), { fence: release.fence }),
  ]);
  metrics.addMetric(METRIC.releaseStarted, 'Count', 1);
  return { go: 'forward', fence: release.fence, steps: stepsOf(release).length };
});
