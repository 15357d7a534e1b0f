import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';

import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { dynamoDb, queues } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { SluiceError } from '#platform/errors.ts';
import { METRIC } from '#platform/metric-names.ts';
import { newReleaseId } from '#platform/new-id.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { logger, metrics } from '#platform/telemetry.ts';
import { dynamoDbServices } from '#policy/adapters/dynamodb-services.ts';
import { killSwitches } from '#policy/adapters/policy-ports.ts';
import { sqsRefusedQueue } from '#releases/adapters/refused-queue.ts';
import { executionPorts, releasePorts } from '#releases/adapters/release-ports.ts';
import { executionEnvironment, releaseEnvironment, requestEnvironment } from '#releases/environment.ts';
import { refuseEvent } from '#releases/refused-event.ts';
import { takeRequest } from '#releases/request-release.ts';
import { askedOf } from '#releases/requested-event.ts';

const environment = readEnvironment({
  ...releaseEnvironment,
  ...executionEnvironment,
  ...requestEnvironment,
  REFUSED_QUEUE_URL: z.string(),
});

const ports = {
  ...releasePorts(environment),
  ...executionPorts(environment),
  services: dynamoDbServices(dynamoDb(), environment.SERVICES_TABLE),
  productionStrategies: environment.PRODUCTION_STRATEGIES,
  switches: killSwitches(environment),
};
const refused = sqsRefusedQueue(queues(), environment.REFUSED_QUEUE_URL);

const start = async (received: unknown): Promise<void> => {
  const asked = askedOf(received);
  const now = new Date();
  await takeRequest(ports, { ...asked, releaseId: newReleaseId(now), at: now.toISOString() });
};

const DOOR = { recorded: 'release.refused', function: 'start-release' } as const;

/** The event door. A passing trouble is thrown, so that Lambda tries again and then keeps the event in its own queue. */
export const handler = middy<unknown, void, Error, Context>()
  .use(injectLambdaContext(logger))
  .use(publishMetrics())
  .handler(async (event) => {
    try {
      await start(event);
      metrics.addMetric(METRIC.releaseRequested, 'Count', 1);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code === 'transient') throw error;
      logger.warn('event refused', { code: error.code, faults: error.faults });
      await refuseEvent({ ...ports, refused }, DOOR, event, error);
      metrics.addMetric(METRIC.releaseRefused, 'Count', 1);
    }
  });
