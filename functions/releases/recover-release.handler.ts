import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';

import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { systemActor } from '#platform/actor.ts';
import { readEnvironment } from '#platform/environment.ts';
import { METRIC } from '#platform/metric-names.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { logger, metrics } from '#platform/telemetry.ts';
import { executionPorts, releasePorts } from '#releases/adapters/release-ports.ts';
import { executionEnvironment, releaseEnvironment } from '#releases/environment.ts';
import { executionName, launchRelease } from '#releases/launch-release.ts';
import { recoveryOf } from '#releases/recovery.ts';
import type { Release } from '#releases/release.ts';
import { releaseRecord } from '#releases/release-records.ts';

const environment = readEnvironment({
  ...releaseEnvironment,
  ...executionEnvironment,
  START_GRACE_SECONDS: z.coerce.number().int().min(1),
});
const ports = { ...releasePorts(environment), ...executionPorts(environment) };

const recoveryName = (release: Release, number: number): string =>
  `${executionName(release)}-recovery-${number}`;

/** Starts the workflow that restores and concludes. Its name is counted up on the release, so that two sweeps start one. */
const restoreAndConclude = async (release: Release, detail: string): Promise<void> => {
  const number = release.recoveries + 1;
  const text = `the workflow of this release is gone (${detail}); traffic is restored`;
  await ports.ledger.append(`${release.releaseId}/recovery/${number}`, [
    releaseRecord('release.recovered', release, systemActor('recover-release'), ports.now(), {
      number,
      reasons: [{ code: 'execution-gone', text }],
    }),
  ]);
  await ports.executions.start('recovery', recoveryName(release, number), {
    releaseId: release.releaseId,
    reasons: [{ code: 'execution-gone', text }],
  });
  await ports.releases.noteRecovery(release.releaseId, number);
  metrics.addMetric(METRIC.releaseRecovered, 'Count', 1);
};

const recover = async (release: Release): Promise<void> => {
  const [execution, recovery] = await Promise.all([
    ports.executions.status('release', executionName(release)),
    release.recoveries === 0
      ? { status: 'absent' as const, detail: 'none' }
      : ports.executions.status('recovery', recoveryName(release, release.recoveries)),
  ]);
  const need = recoveryOf(release, {
    release: execution.status,
    recovery: recovery.status,
    now: new Date(),
    startGraceSeconds: environment.START_GRACE_SECONDS,
  });
  if (need === 'launch') await launchRelease(ports, release);
  if (need === 'restore-and-conclude') await restoreAndConclude(release, execution.detail);
};

/**
 * Looks at every open release; what woke it (a workflow's end or the schedule) only says when. One release's trouble
 * doesn't keep the others waiting, and makes the whole call fail, so that it is seen and tried again.
 */
export const handler = middy<unknown, void, Error, Context>()
  .use(injectLambdaContext(logger))
  .use(publishMetrics())
  .handler(async () => {
    const failures: unknown[] = [];
    for (const release of await ports.releases.open()) {
      try {
        await recover(release);
      } catch (error) {
        logger.error('release not recovered', { releaseId: release.releaseId, error });
        failures.push(error);
      }
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} releases were not recovered`);
  });
