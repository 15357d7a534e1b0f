import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { readEnvironment } from '#platform/environment.ts';
import { METRIC } from '#platform/metric-names.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { logger, metrics } from '#platform/telemetry.ts';
import { executionPorts, releasePorts } from '#releases/adapters/release-ports.ts';
import { executionEnvironment, releaseEnvironment } from '#releases/environment.ts';
import { recoverRelease } from '#releases/recover-release.ts';
import type { Release } from '#releases/release.ts';
import { stuckReason } from '#releases/stuck.ts';

const environment = readEnvironment({
  ...releaseEnvironment,
  ...executionEnvironment,
  START_GRACE_SECONDS: z.coerce.number().int().min(1),
});
const ports = {
  ...releasePorts(environment),
  ...executionPorts(environment),
  startGraceSeconds: environment.START_GRACE_SECONDS,
};

const tellStuck = (release: Release): void => {
  const reason = stuckReason(release, Date.now());
  if (reason === undefined) return;
  metrics.addMetric(METRIC.releaseStuck, 'Count', 1);
  logger.warn('release stuck', { releaseId: release.releaseId, reason });
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
        const done = await recoverRelease(ports, release);
        if (done === 'restore-and-conclude') metrics.addMetric(METRIC.releaseRecovered, 'Count', 1);
        if (done === 'nothing') tellStuck(release);
      } catch (error) {
        logger.error('release not recovered', { releaseId: release.releaseId, error });
        failures.push(error);
      }
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} releases were not recovered`);
  });
