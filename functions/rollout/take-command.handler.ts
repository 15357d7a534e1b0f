import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { queues } from '#platform/clients.ts';
import { readEnvironment } from '#platform/environment.ts';
import { SluiceError } from '#platform/errors.ts';
import { METRIC } from '#platform/metric-names.ts';
import { publishMetrics } from '#platform/publish-metrics.ts';
import { logger, metrics } from '#platform/telemetry.ts';
import { sqsRefusedQueue } from '#releases/adapters/refused-queue.ts';
import { refuseEvent } from '#releases/refused-event.ts';
import { takeRequest } from '#releases/request-release.ts';
import { commandPorts } from '#rollout/adapters/command-ports.ts';
import { commandOf } from '#rollout/commanded-event.ts';
import { commandEnvironment } from '#rollout/environment.ts';

const environment = readEnvironment({ ...commandEnvironment, REFUSED_QUEUE_URL: z.string() });
const { restore, follow } = commandPorts(environment, takeRequest);
const refused = sqsRefusedQueue(queues(), environment.REFUSED_QUEUE_URL);

const DOOR = { recorded: 'release.command.refused', function: 'take-command' } as const;

/** The event door for commands. A passing trouble is thrown, so that Lambda tries again and then keeps the event. */
export const handler = middy<unknown, void, Error, Context>()
  .use(injectLambdaContext(logger))
  .use(publishMetrics())
  .handler(async (event) => {
    try {
      const { name, releaseId, ...command } = commandOf(event, restore.now());
      const { text } = await follow({ name, releaseId, ...command });
      logger.info('command taken', { releaseId, command: name, text });
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code === 'transient') throw error;
      logger.warn('event refused', { code: error.code, faults: error.faults });
      await refuseEvent({ ledger: restore.ledger, now: restore.now, refused }, DOOR, event, error);
      metrics.addMetric(METRIC.commandRefused, 'Count', 1);
    }
  });
